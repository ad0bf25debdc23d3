//! The rehearsal loop at the wire: checkpoint, reset, diff, and what goes wrong with them.
mod around;
mod based;
mod beside;
mod damage;
mod halfway;
mod hardened;
mod killed;
mod linked;
mod manifest;
mod not_up;
mod shelf;
mod told;
mod whole_seconds;
mod world;
