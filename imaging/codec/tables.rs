//! The tables that a JPEG has defined up to a scan (ITU-T T.81, B.2.4). Codes are built only for a
//! scan that uses them: a file may define a million tables and use none.

use super::bytes::be16;
use super::huffman::{Class, Codes, standard};
use super::transform::AREA;
use crate::codec::fault::damaged;
use crate::error::Error;
use crate::format::Format;

/// The number of tables of a kind.
const TABLES: usize = 4;
/// The number of codes of each length.
type Counts = [u8; 16];

/// The tables that a file has defined so far.
pub(super) struct Tables<'a> {
    first: [Option<(&'a Counts, &'a [u8])>; TABLES],
    others: [Option<(&'a Counts, &'a [u8])>; TABLES],
    quantisation: [Option<[u16; AREA]>; TABLES],
    /// The restart interval in units; 0 means no restarts.
    pub(super) restart: usize,
}

impl<'a> Tables<'a> {
    /// The standard Huffman tables, which a frame of Motion JPEG leaves out.
    pub(super) fn standard() -> Self {
        Self {
            first: [Some(standard::LUMA_FIRST), Some(standard::CHROMA_FIRST), None, None],
            others: [Some(standard::LUMA_OTHERS), Some(standard::CHROMA_OTHERS), None, None],
            quantisation: [None; TABLES],
            restart: 0,
        }
    }

    /// Reads a DHT, DQT or DRI segment, and ignores others.
    ///
    /// # Errors
    /// `ErrorKind::BadPicture` if the segment is damaged.
    pub(super) fn add(&mut self, marker: u8, content: &'a [u8]) -> Result<(), Error> {
        const DHT: u8 = 0xC4;
        const DQT: u8 = 0xDB;
        const DRI: u8 = 0xDD;
        match marker {
            DHT => self.add_codes(content)?,
            DQT => self.add_quantisation(content)?,
            DRI => self.restart = be16(content, 0).unwrap_or(0).into(),
            _ => {}
        }
        Ok(())
    }

    fn add_codes(&mut self, mut content: &'a [u8]) -> Result<(), Error> {
        let damaged = || wrong("a Huffman table is cut short, or has an invalid number");
        while let Some((&head, rest)) = content.split_first() {
            let (counts, rest) = rest.split_first_chunk().ok_or_else(damaged)?;
            let length = counts.iter().map(|&count| usize::from(count)).sum();
            let (values, rest) = rest.split_at_checked(length).ok_or_else(damaged)?;
            let tables = if head < 0x10 { &mut self.first } else { &mut self.others };
            // The standard has only the classes 0 and 1.
            let place = tables.get_mut(usize::from(head & 0xEF)).ok_or_else(damaged)?;
            *place = Some((counts, values));
            content = rest;
        }
        Ok(())
    }

    fn add_quantisation(&mut self, mut content: &[u8]) -> Result<(), Error> {
        let damaged = || wrong("a quantisation table is cut short, or has an invalid number");
        while let Some((&head, rest)) = content.split_first() {
            let table;
            // The upper half is the number of bytes of a number, minus 1.
            (table, content) = if head < 0x10 {
                let (bytes, rest) = rest.split_first_chunk::<AREA>().ok_or_else(damaged)?;
                (bytes.map(u16::from), rest)
            } else {
                let (bytes, rest) = rest.split_first_chunk::<{ 2 * AREA }>().ok_or_else(damaged)?;
                let (pairs, _) = bytes.as_chunks::<2>();
                (std::array::from_fn(|at| u16::from_be_bytes(pairs[at])), rest)
            };
            let place = self.quantisation.get_mut(usize::from(head & 0xEF)).ok_or_else(damaged)?;
            *place = Some(table);
        }
        Ok(())
    }

    /// The codes of first coefficients.
    ///
    /// # Errors
    /// `ErrorKind::BadPicture` if the codes are missing or impossible.
    pub(super) fn first(&self, at: u8, class: Class) -> Result<Codes, Error> {
        codes(&self.first, at, class)
    }

    /// The codes of the other coefficients; in a progressive picture, of their bits.
    ///
    /// # Errors
    /// `ErrorKind::BadPicture` if the codes are missing or impossible.
    pub(super) fn others(&self, at: u8, class: Class) -> Result<Codes, Error> {
        codes(&self.others, at, class)
    }

    /// The divisors of the coefficients.
    ///
    /// # Errors
    /// `ErrorKind::BadPicture` if the file has not defined them.
    pub(super) fn quantisation(&self, at: u8) -> Result<&[u16; AREA], Error> {
        let table = self.quantisation.get(usize::from(at)).and_then(Option::as_ref);
        table.ok_or_else(|| wrong("it lacks a quantisation table"))
    }
}

fn codes(
    tables: &[Option<(&Counts, &[u8])>; TABLES],
    at: u8,
    class: Class,
) -> Result<Codes, Error> {
    let table = tables.get(usize::from(at)).copied().flatten();
    let (counts, values) = table.ok_or_else(|| wrong("it lacks a Huffman table"))?;
    Codes::new(counts, values, class).ok_or_else(|| wrong("a Huffman table has impossible codes"))
}

fn wrong(why: &str) -> Error {
    damaged(Format::Jpeg, why)
}
