//! What goes into an object: content as it is, or encrypted by age; with the sums of both.
use super::manifest::Object;
use age::stream::StreamWriter;
use age::x25519;
use anyhow::{Context, Result, anyhow, bail};
use bytes::Bytes;
use sha2::{Digest, Sha256};
use std::io::Write;
use std::mem;
use std::sync::{Arc, Mutex, PoisonError};

/// Takes content, gives what is to be stored.
pub struct Seal {
    encrypting: Option<(StreamWriter<Gathered>, Gathered)>,
    /// Of what is encrypted; else what is stored is the content, and is not summed twice.
    content: Sum,
    stored: Sum,
}

/// What age has written and nobody has taken yet.
#[derive(Clone, Default)]
struct Gathered(Arc<Mutex<Vec<u8>>>);

/// How much, and its SHA-256.
#[derive(Clone, Default)]
pub struct Sum {
    hasher: Sha256,
    pub bytes: u64,
}

impl Sum {
    pub fn add(&mut self, bytes: &[u8]) {
        self.hasher.update(bytes);
        self.bytes += bytes.len() as u64;
    }

    /// In hex.
    pub fn hex(self) -> String {
        self.hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// # Errors
/// No public key of age: `age1…`.
pub fn recipient(text: &str) -> Result<x25519::Recipient> {
    // Who takes the one key for the other must not find it in a log.
    if text.to_uppercase().contains("SECRET") {
        bail!("age-recipient is a private key of age; its public one is wanted, which begins with age1");
    }
    text.parse().map_err(|error| anyhow!("age-recipient {text:?} is no public key of age: {error}"))
}

impl Seal {
    /// For those recipients; as it is, where there is none.
    ///
    /// # Errors
    /// A recipient that is none.
    pub fn new(recipients: &[String]) -> Result<Self> {
        let keys = recipients.iter().map(|text| recipient(text)).collect::<Result<Vec<_>>>()?;
        let encrypting = match keys.is_empty() {
            true => None,
            false => {
                let gathered = Gathered::default();
                let keys = keys.iter().map(|key| key as &dyn age::Recipient);
                let encryptor = age::Encryptor::with_recipients(keys).context("cannot encrypt for these recipients")?;
                Some((encryptor.wrap_output(gathered.clone()).context("cannot encrypt")?, gathered))
            }
        };
        Ok(Self { encrypting, content: Sum::default(), stored: Sum::default() })
    }

    /// # Errors
    /// A bug of the encryption.
    pub fn push(&mut self, bytes: Bytes) -> Result<Bytes> {
        let stored = match &mut self.encrypting {
            None => bytes,
            Some((writer, gathered)) => {
                self.content.add(&bytes);
                writer.write_all(&bytes).context("cannot encrypt")?;
                gathered.take().into()
            }
        };
        self.stored.add(&stored);
        Ok(stored)
    }

    /// The last of it, and what the object is then.
    ///
    /// # Errors
    /// As [`Seal::push`].
    pub fn finish(mut self, key: &str) -> Result<(Bytes, Object)> {
        let mut rest = Bytes::new();
        let encrypted = self.encrypting.is_some();
        if let Some((writer, gathered)) = self.encrypting.take() {
            writer.finish().context("cannot encrypt")?;
            rest = gathered.take().into();
        }
        self.stored.add(&rest);
        let content = if encrypted { self.content } else { self.stored.clone() };
        let object = Object {
            key: key.to_owned(),
            bytes: self.stored.bytes,
            sha256: self.stored.hex(),
            content_bytes: content.bytes,
            content_sha256: content.hex(),
        };
        Ok((rest, object))
    }
}

impl Gathered {
    fn take(&self) -> Vec<u8> {
        mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Write for Gathered {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn what_was_sealed_for_a_recipient_is_opened_with_its_identity_and_else_is_as_it_is() {
        let identity = x25519::Identity::generate();
        let content: Vec<u8> = (0..200_000u32).map(|n| n as u8).collect();
        for recipients in [vec![], vec![identity.to_public().to_string()]] {
            let mut seal = Seal::new(&recipients).expect("a seal");
            let mut stored = Vec::new();
            for piece in content.chunks(7777) {
                stored.extend(seal.push(Bytes::copy_from_slice(piece)).expect("sealed"));
            }
            let (rest, object) = seal.finish("k").expect("sealed");
            stored.extend(rest);
            assert_eq!((object.bytes, object.content_bytes), (stored.len() as u64, content.len() as u64));
            let mut sum = Sum::default();
            sum.add(&stored);
            assert_eq!(object.sha256, sum.hex());
            let mut opened = Vec::new();
            match recipients.is_empty() {
                true => opened = stored,
                false => {
                    let decryptor = age::Decryptor::new(&stored[..]).expect("a header");
                    let mut reader = decryptor.decrypt(std::iter::once(&identity as &dyn age::Identity)).expect("ours");
                    reader.read_to_end(&mut opened).expect("whole");
                }
            }
            assert!(opened == content);
        }
    }

    #[test]
    fn a_recipient_that_is_none_is_named() {
        let private = recipient("AGE-SECRET-KEY-1ABC").expect_err("the wrong key").to_string();
        assert!(!private.contains("1ABC"), "{private}");
        assert!(recipient("age1nonsense").expect_err("nonsense").to_string().contains("age1nonsense"));
    }
}
