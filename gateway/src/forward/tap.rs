//! Keeps what passes, for whoever looks at it later: up to a bound of its own, and to one of the whole process.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::{Bytes, BytesMut};

/// Shorter pieces are copied: a piece is part of a read buffer, which it would keep as a whole, and which the connection
/// wants back.
const COPIED: usize = 16 * 1024;

/// What a longer piece may keep: no read is larger.
const READ: usize = 64 * 1024;

/// How many bytes all taps of a process may keep together.
#[derive(Debug)]
pub struct Memory {
    used: AtomicUsize,
    max: usize,
}

/// A part of it, given back when dropped.
#[derive(Debug)]
pub struct Held {
    memory: Arc<Memory>,
    bytes: usize,
}

/// Why a tap keeps nothing any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Full {
    /// More passed than its own bound.
    Length,
    /// All taps together keep as much as they may.
    Memory,
}

/// What has passed so far.
#[derive(Debug)]
pub struct Tap {
    pieces: Vec<Bytes>,
    /// Short pieces in a row, as one: a body that comes byte by byte must not keep a piece for each.
    gathered: BytesMut,
    /// How many bytes more it may keep.
    left: usize,
    held: Held,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Passing,
    Ended,
    Full(Full),
}

impl Memory {
    /// So many bytes.
    pub fn new(max: usize) -> Self {
        Self {
            used: AtomicUsize::new(0),
            max,
        }
    }

    /// How many are taken.
    pub fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    fn take(&self, bytes: usize) -> bool {
        let before = self.used.fetch_add(bytes, Ordering::Relaxed);
        let fits = before.saturating_add(bytes) <= self.max;
        if !fits {
            self.used.fetch_sub(bytes, Ordering::Relaxed);
        }
        fits
    }
}

impl Held {
    /// Nothing yet.
    pub fn of(memory: &Arc<Memory>) -> Self {
        Self {
            memory: Arc::clone(memory),
            bytes: 0,
        }
    }

    /// Takes more, if there is as much.
    #[must_use]
    pub fn more(&mut self, bytes: usize) -> bool {
        let taken = self.memory.take(bytes);
        if taken {
            self.bytes += bytes;
        }
        taken
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.memory.used.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl Tap {
    /// At most `max` bytes, out of `memory`.
    pub fn new(max: usize, memory: &Arc<Memory>) -> Self {
        Self {
            pieces: Vec::new(),
            gathered: BytesMut::new(),
            left: max,
            held: Held::of(memory),
            state: State::Passing,
        }
    }

    /// Nothing passes here.
    pub fn closed(memory: &Arc<Memory>) -> Self {
        let mut tap = Self::new(0, memory);
        tap.ended();
        tap
    }

    /// A piece passes.
    pub fn saw(&mut self, piece: &Bytes) {
        if self.state != State::Passing || piece.is_empty() {
            return;
        }
        if piece.len() > self.left {
            return self.give_up(Full::Length);
        }
        let is_kept = if piece.len() > COPIED {
            self.keep(piece)
        } else {
            self.gather(piece)
        };
        if is_kept {
            self.left -= piece.len();
        } else {
            self.give_up(Full::Memory);
        }
    }

    fn keep(&mut self, piece: &Bytes) -> bool {
        self.settle();
        let is_kept = self.held.more(piece.len().max(READ));
        if is_kept {
            self.pieces.push(piece.clone());
        }
        is_kept
    }

    /// What it takes grows by doubling, and is counted as what it takes.
    fn gather(&mut self, piece: &Bytes) -> bool {
        let (has, length) = (self.gathered.capacity(), self.gathered.len());
        let needed = length + piece.len();
        if needed > has {
            let room = if length == 0 {
                needed
            } else {
                needed.max(2 * has)
            };
            if !self.held.more(room - has) {
                return false;
            }
            let mut larger = BytesMut::with_capacity(room);
            larger.extend_from_slice(&self.gathered);
            self.gathered = larger;
        }
        self.gathered.extend_from_slice(piece);
        true
    }

    fn settle(&mut self) {
        if !self.gathered.is_empty() {
            let gathered = std::mem::take(&mut self.gathered);
            self.pieces.push(gathered.freeze());
        }
    }

    /// Nothing more will pass: this was all of it.
    pub fn ended(&mut self) {
        if self.state == State::Passing {
            self.state = State::Ended;
        }
    }

    /// Whether all of it has passed and is here.
    pub fn is_whole(&self) -> bool {
        self.state == State::Ended
    }

    /// Why it keeps nothing any more, if so.
    pub fn full(&self) -> Option<Full> {
        match self.state {
            State::Full(full) => Some(full),
            State::Passing | State::Ended => None,
        }
    }

    /// What passed, in one piece. The bytes stay counted for as long as the tap is there.
    pub fn content(&mut self) -> Bytes {
        self.settle();
        match self.pieces.as_slice() {
            [] => Bytes::new(),
            [one] => one.clone(),
            many => {
                let length = many.iter().map(Bytes::len).sum();
                let mut whole = BytesMut::with_capacity(length);
                for piece in many {
                    whole.extend_from_slice(piece);
                }
                let whole = whole.freeze();
                self.pieces = vec![whole.clone()];
                whole
            }
        }
    }

    fn give_up(&mut self, full: Full) {
        self.state = State::Full(full);
        self.pieces = Vec::new();
        self.gathered = BytesMut::new();
        let memory = Arc::clone(&self.held.memory);
        self.held = Held::of(&memory);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory(max: usize) -> Arc<Memory> {
        Arc::new(Memory::new(max))
    }

    #[test]
    fn what_passes_is_kept_whole_or_not_at_all() {
        let memory = memory(1_000_000);
        let mut tap = Tap::new(8, &memory);
        for piece in ["abc", "", "def"] {
            tap.saw(&Bytes::from_static(piece.as_bytes()));
        }
        assert!(!tap.is_whole());
        tap.ended();
        assert!(tap.is_whole());
        assert_eq!(
            (tap.content(), tap.content()),
            ("abcdef".into(), "abcdef".into())
        );
        assert_eq!(memory.used(), 6);

        let mut tap = Tap::new(8, &memory);
        tap.saw(&Bytes::from_static(b"12345"));
        tap.saw(&Bytes::from_static(b"6789"));
        tap.ended();
        assert_eq!((tap.full(), tap.is_whole()), (Some(Full::Length), false));
        assert_eq!(tap.content(), "");
    }

    #[test]
    fn all_taps_together_keep_to_the_bound_and_give_back() {
        let memory = memory(100);
        let mut first = Tap::new(usize::MAX, &memory);
        first.saw(&Bytes::from_static(&[7; 60]));
        let mut second = Tap::new(usize::MAX, &memory);
        second.saw(&Bytes::from_static(&[7; 60]));
        assert_eq!(second.full(), Some(Full::Memory));
        assert_eq!(memory.used(), 60);
        drop(first);
        assert_eq!(memory.used(), 0);
        let mut third = Tap::new(usize::MAX, &memory);
        third.saw(&Bytes::from_static(&[7; 60]));
        assert_eq!(third.full(), None);
    }

    #[test]
    fn a_long_piece_counts_as_the_buffer_that_it_keeps() {
        let memory = memory(200_000);
        let mut tap = Tap::new(usize::MAX, &memory);
        tap.saw(&Bytes::from(vec![7; COPIED + 1]));
        assert_eq!(memory.used(), READ);
    }

    #[test]
    fn a_body_that_comes_byte_by_byte_is_kept_as_one_and_counted_as_what_it_takes() {
        let memory = memory(200_000);
        let mut tap = Tap::new(usize::MAX, &memory);
        for byte in 0..50_000_u32 {
            tap.saw(&Bytes::copy_from_slice(
                &[u8::try_from(byte % 251).unwrap()],
            ));
        }
        assert!(tap.pieces.is_empty());
        assert!(
            (50_000..=100_000).contains(&memory.used()),
            "{}",
            memory.used()
        );
        tap.saw(&Bytes::from(vec![7; COPIED + 1]));
        tap.saw(&Bytes::from_static(b"end"));
        tap.ended();
        let content = tap.content();
        assert_eq!(content.len(), 50_000 + COPIED + 1 + 3);
        assert!(content.starts_with(&[0, 1, 2]) && content.ends_with(b"end"));
    }
}
