//! The head of a frame, received byte by byte (RFC 6455, section 5.2).

/// The longest head: two bytes, eight for the length, four for the mask.
pub(super) const HEAD_MAX: usize = 14;

/// A frame's head, of which only a part may have arrived.
#[derive(Default)]
pub(super) struct Head {
    bytes: [u8; HEAD_MAX],
    length: usize,
}

impl Head {
    /// Takes the missing bytes from the beginning of `bytes`; returns how many it took.
    pub(super) fn take(&mut self, bytes: &[u8]) -> usize {
        let mut taken = 0;
        for &byte in bytes {
            if self.missing() == 0 {
                break;
            }
            self.bytes[self.length] = byte;
            self.length += 1;
            taken += 1;
        }
        taken
    }

    /// The least number of bytes that are missing; zero if the head is complete.
    pub(super) fn missing(&self) -> usize {
        let length = if self.length < 2 { 2 } else { self.mask_begin() + self.mask_length() };
        length - self.length
    }

    /// The bytes that have arrived.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    /// The first byte: whether the frame ends its message, the reserved bits, and the opcode.
    pub(super) fn first(&self) -> u8 {
        self.bytes[0]
    }

    /// The length of the payload after the head.
    pub(super) fn payload(&self) -> u64 {
        let [_, second, extended @ ..] = &self.bytes;
        match second & 0x7F {
            126 => u64::from(u16::from_be_bytes([extended[0], extended[1]])),
            127 => extended.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes)),
            short => u64::from(short),
        }
    }

    /// The mask; `None` if the frame is not masked.
    pub(super) fn mask(&self) -> Option<[u8; 4]> {
        let mask = self.bytes[self.mask_begin()..].first_chunk().copied();
        mask.filter(|_| self.mask_length() > 0)
    }

    fn mask_begin(&self) -> usize {
        match self.bytes[1] & 0x7F {
            126 => 4,
            127 => 10,
            _ => 2,
        }
    }

    fn mask_length(&self) -> usize {
        usize::from(self.bytes[1] >> 7) * 4
    }
}
