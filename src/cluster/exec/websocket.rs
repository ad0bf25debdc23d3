//! Channels over a WebSocket: each message begins with its channel's number.
use super::wire::{self, Incoming, Input, Outgoing, Output, STDIN};
use crate::documents::frames::ROOM;
use anyhow::Error;
use bytes::Bytes;
use futures::{Sink, SinkExt, Stream, StreamExt};
use std::future::ready;
use tokio_tungstenite::tungstenite::{Error as SocketError, Message};

pub(super) fn halves<S>(socket: S, place: String) -> (Input, Output)
where
    S: Sink<Message, Error = SocketError> + Stream<Item = Result<Message, SocketError>> + Send + 'static,
{
    let (sink, stream) = socket.split();
    let sink = sink.sink_map_err(Error::from).with(|outgoing| ready(Ok::<_, Error>(written(outgoing))));
    wire::halves(sink, stream.map(|message| message.map(read).map_err(Error::from)), place)
}

fn written(outgoing: Outgoing) -> Message {
    match outgoing {
        Outgoing::Stdin(mut message) => {
            message[ROOM - 1] = STDIN;
            Message::Binary(Bytes::from(message).slice(ROOM - 1..))
        }
        Outgoing::Ping => Message::Ping(Bytes::new()),
    }
}

fn read(message: Message) -> Incoming {
    match message {
        Message::Binary(mut bytes) if !bytes.is_empty() => {
            let content = bytes.split_off(1);
            Incoming::Message(bytes[0], content)
        }
        Message::Close(_) => Incoming::Closed,
        _ => Incoming::Alive,
    }
}
