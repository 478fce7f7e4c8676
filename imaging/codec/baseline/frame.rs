//! The segments before the scan: the frame, its components and their tables (ITU-T T.81, annex B).

use super::pairs::Pairs;
use crate::codec::bytes::be16;
use crate::codec::huffman::{Class, Codes};
use crate::codec::tables::Tables;
use crate::codec::transform::{AREA, SIDE};

/// The headers of a picture of one scan.
pub(super) struct Frame {
    /// Width and height.
    pub(super) size: (usize, usize),
    /// Brightness, and either no or two components of colour.
    pub(super) components: Vec<Component>,
    pub(super) quantisation: [Option<[u16; AREA]>; TABLES],
    /// The codes of first coefficients.
    pub(super) first: [Option<Codes>; TABLES],
    /// The codes of the other coefficients.
    pub(super) others: [Option<Pairs>; TABLES],
    /// The restart interval in units; 0 means no restarts.
    pub(super) restart: usize,
    /// Adobe's number for how colours are stored.
    transform: Option<u8>,
}

/// Brightness or a colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Component {
    id: u8,
    /// How many of its blocks are side by side in a unit of the scan.
    pub(super) across: usize,
    /// How many are one above the other.
    pub(super) down: usize,
    pub(super) quantisation: u8,
    pub(super) first: usize,
    pub(super) others: usize,
}

/// How many tables of a kind there can be.
const TABLES: usize = 4;

const SOF0: u8 = 0xC0;
const SOF1: u8 = 0xC1;
const SOF15: u8 = 0xCF;
const DHT: u8 = 0xC4;
const SOS: u8 = 0xDA;
const APP14: u8 = 0xEE;

impl Frame {
    /// From the segments up to the scan's header, each with its marker and content. `None` if the
    /// picture is not of the usual kind.
    pub(super) fn of<'a>(segments: impl Iterator<Item = (u8, &'a [u8])>) -> Option<Self> {
        let mut frame = Self {
            size: (0, 0),
            components: Vec::new(),
            quantisation: [None; TABLES],
            first: [const { None }; TABLES],
            others: [const { None }; TABLES],
            restart: 0,
            transform: None,
        };
        let mut tables = Tables::standard();
        for (marker, content) in segments {
            match marker {
                SOF0 | SOF1 if frame.components.is_empty() => frame.begin(content)?,
                DHT => tables.add(marker, content).ok()?,
                // All other kinds of frame, and a second frame.
                SOF0..=SOF15 => return None,
                APP14 if content.starts_with(b"Adobe") => {
                    frame.transform = content.get(11).copied();
                }
                SOS => {
                    frame.restart = tables.restart;
                    return frame.select(content, &tables);
                }
                _ => tables.add(marker, content).ok()?,
            }
        }
        None
    }

    /// How many units the scan has side by side, and one above the other.
    pub(super) fn units(&self) -> (usize, usize) {
        let (across, down) = self.unit();
        (self.size.0.div_ceil(across * SIDE), self.size.1.div_ceil(down * SIDE))
    }

    /// How many samples a component has in each direction.
    pub(super) fn size_of(&self, component: &Component) -> (usize, usize) {
        let (across, down) = self.unit();
        let (width, height) = self.size;
        ((width * component.across).div_ceil(across), (height * component.down).div_ceil(down))
    }

    /// How many blocks of brightness a unit has in each direction; colours have at most as many.
    fn unit(&self) -> (usize, usize) {
        self.components.first().map_or((1, 1), |luma| (luma.across, luma.down))
    }

    /// Reads precision, height and width, then each component's name, sampling factors and table.
    fn begin(&mut self, content: &[u8]) -> Option<()> {
        let &[precision, _, _, _, _, count, ref components @ ..] = content else { return None };
        self.size = (be16(content, 3)?.into(), be16(content, 1)?.into());
        let whole = components.len() == usize::from(count) * 3;
        if precision != 8 || self.size.0 == 0 || self.size.1 == 0 || !whole {
            return None;
        }
        let component = |of: &[u8]| Component {
            id: of[0],
            across: (of[1] >> 4).into(),
            down: (of[1] & 15).into(),
            quantisation: of[2],
            first: 0,
            others: 0,
        };
        self.components = components.chunks_exact(3).map(component).collect();
        match &mut self.components[..] {
            // A scan of one component contains its blocks one by one, whatever its sampling.
            [grey] => (grey.across, grey.down) = (1, 1),
            [luma, colour @ ..] if colour.len() == 2 => {
                let known = matches!((luma.across, luma.down), (1 | 2, 1 | 2));
                if !known || colour.iter().any(|it| (it.across, it.down) != (1, 1)) {
                    return None;
                }
            }
            _ => return None,
        }
        Some(())
    }

    /// The tables of each component in the scan, which must have all components in the frame's
    /// order, all coefficients, and all of their bits.
    fn select(mut self, content: &[u8], tables: &Tables<'_>) -> Option<Self> {
        let (&count, rest) = content.split_first()?;
        let (selected, rest) = rest.split_at_checked(usize::from(count) * 2)?;
        if usize::from(count) != self.components.len() || count == 0 || rest != [0, 63, 0] {
            return None;
        }
        for (component, selected) in self.components.iter_mut().zip(selected.chunks_exact(2)) {
            if component.id != selected[0] {
                return None;
            }
            let (first, others) = (selected[1] >> 4, selected[1] & 15);
            (component.first, component.others) = (first.into(), others.into());
            let quantisation = tables.quantisation(component.quantisation).ok()?;
            *self.quantisation.get_mut(usize::from(component.quantisation))? = Some(*quantisation);
            let place = self.first.get_mut(component.first)?;
            if place.is_none() {
                *place = Some(tables.first(first, Class::First).ok()?);
            }
            let place = self.others.get_mut(component.others)?;
            if place.is_none() {
                *place = Some(Pairs::new(tables.others(others, Class::Others).ok()?));
            }
        }
        (count == 1 || self.is_ycbcr()).then_some(self)
    }

    /// Adobe's number or the components' names may say that colours are stored as RGB.
    fn is_ycbcr(&self) -> bool {
        const YCBCR: u8 = 1;
        let named_rgb = self.components.iter().map(|it| it.id).eq(*b"RGB");
        self.transform.is_none_or(|transform| transform == YCBCR) && !named_rgb
    }
}
