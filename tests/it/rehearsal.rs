//! The rehearsal loop at the wire: checkpoint, reset, diff, and what goes wrong with them.
mod around;
mod shelf;
mod world;
