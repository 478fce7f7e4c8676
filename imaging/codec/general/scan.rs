//! A scan: its components, and their blocks one after the other (ITU-T T.81, A.2 and F.2).

use super::super::huffman::{Class, Codes};
use super::super::tables::Tables;
use super::super::transform::AREA;
use super::fault::wrong;
use super::frame::Frame;
use super::progressive::{Bits, Part};
use super::reader::Reader;
use crate::error::Error;

/// The contents of a scan's header, and the tables that it uses.
pub(super) struct Scan {
    members: Vec<Member>,
    /// The part of the coefficients that it contains, in a progressive frame.
    part: Option<Part>,
    /// The restart interval in units; 0 means no restarts.
    restart: usize,
}

/// A component of a scan.
struct Member {
    /// Its index in the frame.
    component: usize,
    first: Option<Codes>,
    others: Option<Codes>,
    /// The first coefficient of the last block.
    predicted: i16,
}

impl Scan {
    /// Reads a scan's header.
    ///
    /// # Errors
    /// `ErrorKind::BadPicture` if it is damaged or a table is missing.
    pub(super) fn new(
        content: &[u8],
        frame: &mut Frame,
        tables: &Tables<'_>,
    ) -> Result<Self, Error> {
        let damaged = || wrong("the header of a scan is damaged");
        let (&count, rest) = content.split_first().ok_or_else(damaged)?;
        let (selected, rest) = rest.split_at_checked(usize::from(count) * 2).ok_or_else(damaged)?;
        let part = match (frame.is_progressive, rest) {
            (false, _) => None,
            (true, &[from, to, bits, ..]) => {
                Some(Part::new(count, (from, to), bits).ok_or_else(damaged)?)
            }
            (true, _) => return Err(damaged()),
        };
        let mut members: Vec<Member> = Vec::new();
        for &[id, selected] in selected.as_chunks().0 {
            let at = frame.components.iter().position(|component| component.id == id);
            let at = at.filter(|at| members.iter().all(|member| member.component != *at));
            let at = at.ok_or_else(damaged)?;
            frame.components[at].quantise(tables)?;
            let needs = part.as_ref().map_or((true, true), Part::needs);
            members.push(Member {
                component: at,
                first: needs.0.then(|| tables.first(selected >> 4, Class::Plain)).transpose()?,
                others: needs.1.then(|| tables.others(selected & 15, Class::Plain)).transpose()?,
                predicted: 0,
            });
        }
        if members.is_empty() {
            return Err(damaged());
        }
        Ok(Self { members, part, restart: tables.restart })
    }

    /// Reads all of its blocks. A block without data stays as it is.
    pub(super) fn read(mut self, frame: &mut Frame, reader: &mut Reader<'_>) {
        let alone = self.members.len() == 1;
        let (across, down) = match &self.members[..] {
            // Its blocks follow one another, whatever its sampling.
            [member] => frame.components[member.component].blocks,
            _ => frame.units(),
        };
        let mut restarts = 0;
        let mut left = self.restart;
        // How many of the next blocks are empty (T.81, G.1.2.2: EOBRUN).
        let mut empty = 0;
        for row in 0..down {
            for column in 0..across {
                if self.restart > 0 {
                    if left == 0 {
                        reader.restart(restarts);
                        restarts = (restarts + 1) % 8;
                        self.members.iter_mut().for_each(|member| member.predicted = 0);
                        (left, empty) = (self.restart, 0);
                    }
                    left -= 1;
                }
                if reader.is_dry() {
                    continue;
                }
                for member in &mut self.members {
                    let component = &mut frame.components[member.component];
                    let (width, height) =
                        if alone { (1, 1) } else { (component.across, component.down) };
                    for at in 0..width * height {
                        let place = (row * height + at / width, column * width + at % width);
                        if let Some(block) = component.block(place.0, place.1) {
                            member.read(reader, self.part.as_ref(), block, &mut empty);
                        }
                    }
                }
            }
            if self.part.is_none() {
                for member in &self.members {
                    let component = &mut frame.components[member.component];
                    let height = if alone { 1 } else { component.down };
                    component.make_samples(row * height..(row + 1) * height);
                }
            }
            if reader.is_over() {
                break;
            }
        }
    }
}

impl Member {
    /// Reads a block, or those of its bits that the scan contains.
    fn read(
        &mut self,
        reader: &mut Reader<'_>,
        part: Option<&Part>,
        block: &mut [i16; AREA],
        empty: &mut u32,
    ) {
        match (part, &self.first, &self.others) {
            (None, Some(first), Some(others)) => {
                self.predicted = self.predicted.wrapping_add(difference(reader, first));
                block[0] = self.predicted;
                rest(reader, others, block);
            }
            (Some(part), Some(first), _) => {
                self.predicted = self.predicted.wrapping_add(difference(reader, first));
                block[0] = part.scaled(self.predicted);
            }
            (Some(part), None, Some(others)) => {
                part.read(&mut Bits { reader, empty }, others, block);
            }
            (Some(part), None, None) => part.refine_first(reader, block),
            // A sequential scan has codes of both kinds.
            (None, ..) => {}
        }
    }
}

/// The difference of a first coefficient from the previous one.
fn difference(reader: &mut Reader<'_>, codes: &Codes) -> i16 {
    /// More bits than any table of the standard has.
    const BITS_MAX: u8 = 15;
    let bits = reader.symbol(codes).min(BITS_MAX);
    reader.value(bits)
}

/// Reads all coefficients of a block except the first.
fn rest(reader: &mut Reader<'_>, codes: &Codes, block: &mut [i16; AREA]) {
    let mut at = 1;
    while at < AREA {
        let symbol = reader.symbol(codes);
        let (zeros, bits) = (usize::from(symbol >> 4), symbol & 15);
        match (zeros, bits) {
            (15, 0) => at += 16,
            (_, 0) => break,
            _ => {
                at += zeros;
                // A damaged block may have too many coefficients: the rest overwrite the last one.
                block[at.min(AREA - 1)] = reader.value(bits);
                at += 1;
            }
        }
    }
}
