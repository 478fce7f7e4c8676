//! The inverse transform of blocks, at full size or at a half, a quarter or an eighth of it.
//!
//! A sample of the smaller picture is the mean of its pixels. The mean of a cosine over two, four
//! or eight neighbours is a cosine again. So each coefficient, multiplied by a weight of its own,
//! acts as a coefficient of a smaller block, and a smaller transform is enough.

use std::f64::consts::{FRAC_1_SQRT_2, PI, SQRT_2};

/// The side of a block, in samples and in coefficients.
pub(super) const SIDE: usize = 8;
/// How many coefficients a block has.
pub(super) const AREA: usize = SIDE * SIDE;
/// How many blocks are transformed at once: one instruction works on all of them.
pub(super) const LANES: usize = 8;

/// The weights of coefficients in a smaller block, in the file's order, for twice as many positions
/// as a block has: a position beyond a block's end leads beyond the end of the smaller block, and
/// has the weight 0.
pub(super) struct Weights {
    pub(super) places: [u8; 2 * AREA],
    /// In parts of [`ONE`].
    pub(super) weights: [i32; 2 * AREA],
}

/// The weighted coefficients of blocks of N by N, each for all lanes; then room for every position
/// that a byte can express.
pub(super) type Blocks = [[i32; LANES]; 256];

/// The weight 1: with it the largest coefficients just fit.
const ONE: f64 = 16384.0;
/// The position for coefficients beyond a block's end.
const BEYOND: u8 = 64;

/// The order of coefficients in the file (T.81, figure A.6).
pub(crate) const ZIGZAG: [u8; AREA] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20,
    13, 6, 7, 14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59,
    52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
];

impl Weights {
    /// For blocks of this side, whose coefficients were divided by these numbers, in the file's
    /// order.
    pub(super) fn new(side: usize, quantisation: &[u16; AREA]) -> Self {
        let row: [(u8, f64); SIDE] = std::array::from_fn(|frequency| folded(side, frequency));
        let mut all = Self { places: [BEYOND; 2 * AREA], weights: [0; 2 * AREA] };
        let to = all.places.iter_mut().zip(&mut all.weights);
        for ((place, weight), (&at, &divisor)) in to.zip(ZIGZAG.iter().zip(quantisation)) {
            let (down, of_row) = row[usize::from(at) / SIDE];
            let (across, of_column) = row[usize::from(at) % SIDE];
            // A block has 64 positions, and a weight is at most a quarter of two bytes.
            #[allow(clippy::cast_possible_truncation)]
            let parts = (of_row * of_column * f64::from(divisor) * ONE).round() as i32;
            *weight = parts;
            #[allow(clippy::cast_possible_truncation)]
            let side = side as u8;
            *place = down * side + across;
        }
        all
    }
}

/// The coefficient of a row of this length that a coefficient of a whole row becomes, and its
/// weight.
fn folded(side: usize, frequency: usize) -> (u8, f64) {
    // The numbers are small.
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)]
    let (cosine, place) = (
        |numerator: usize, denominator: usize| (PI * numerator as f64 / denominator as f64).cos(),
        |place: usize| place as u8,
    );
    let mut weight = if frequency == 0 { 0.5 / SQRT_2 } else { 0.5 };
    // The mean of two neighbours, repeated.
    let mut length = SIDE;
    while length > side {
        weight *= cosine(frequency, 2 * length);
        length /= 2;
    }
    // A cosine is periodic, and its second half is its first half upside down and backwards.
    let around = frequency % (4 * side);
    let around = around.min(4 * side - around);
    if around == side {
        return (0, 0.0);
    }
    if around > side {
        weight = -weight;
    }
    let around = around.min(2 * side - around);
    // The factors that the transforms below leave out.
    match (side, around) {
        (8, 1..) => weight *= cosine(around, 16),
        (4, 2) | (2, 1) => weight *= FRAC_1_SQRT_2,
        _ => {}
    }
    (place(around), weight)
}

/// The samples of blocks of N by N: row by row, N for each lane.
#[inline]
pub(super) fn samples<const N: usize>(
    blocks: &Blocks,
    mut row: impl FnMut(usize, &[[u8; N]; LANES]),
) {
    /// The value of a sample without coefficients.
    const LEVEL: f32 = 128.0;
    let mut values = [[0.0; LANES]; AREA];
    for (to, from) in values.iter_mut().zip(blocks).take(N * N) {
        for (to, &from) in to.iter_mut().zip(from) {
            // The lost precision is far finer than a sample.
            #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)]
            let value = from as f32 * (1.0 / ONE) as f32;
            *to = value;
        }
    }
    for value in &mut values[0] {
        *value += LEVEL;
    }
    for column in 0..N {
        pass::<N>(&mut values, column, N);
    }
    for at in 0..N {
        pass::<N>(&mut values, at * N, 1);
        let mut samples = [[0; N]; LANES];
        for (column, values) in values[at * N..][..N].iter().enumerate() {
            for (to, value) in samples.iter_mut().zip(values) {
                to[column] = sample(*value);
            }
        }
        row(at, &samples);
    }
}

/// The nearest whole number of a byte.
#[inline]
pub(super) fn sample(value: f32) -> u8 {
    /// A number plus this has only bits of whole numbers.
    const WHOLE: f32 = 8_388_608.0;
    // Two comparisons: `clamp` also handles NaN, which cannot occur here.
    let value = if value > 0.0 { value } else { 0.0 };
    let value = if value < 255.0 { value } else { 255.0 };
    // The last eight bits are the whole number.
    #[allow(clippy::cast_possible_truncation)]
    let sample = (value + WHOLE).to_bits() as u8;
    sample
}

/// Transforms a row or a column of all lanes.
#[inline]
fn pass<const N: usize>(values: &mut [Lanes; AREA], begin: usize, stride: usize) {
    let mut row = [[0.0; LANES]; N];
    for (at, to) in row.iter_mut().enumerate() {
        *to = values[begin + at * stride];
    }
    match N {
        8 => transform_8(&mut row),
        4 => transform_4(&mut row),
        2 => (row[0], row[1]) = (sum(row[0], row[1]), difference(row[0], row[1])),
        // A single sample is its coefficient.
        _ => {}
    }
    for (at, from) in row.iter().enumerate() {
        values[begin + at * stride] = *from;
    }
}

type Lanes = [f32; LANES];

#[inline]
fn transform_4(row: &mut [Lanes]) {
    // Cosines of an eighth and of three eighths of a half turn.
    const LARGE: f32 = 0.923_879_5;
    const SMALL: f32 = 0.382_683_43;
    let even = [sum(row[0], row[2]), difference(row[0], row[2])];
    let odd = [
        sum(times(row[1], LARGE), times(row[3], SMALL)),
        difference(times(row[1], SMALL), times(row[3], LARGE)),
    ];
    for at in 0..2 {
        row[at] = sum(even[at], odd[at]);
        row[3 - at] = difference(even[at], odd[at]);
    }
}

/// Arai, Agui and Nakajima's transform: five products, the others are in the weights.
#[inline]
fn transform_8(row: &mut [Lanes]) {
    const ROOT: f32 = std::f32::consts::SQRT_2;
    const A: f32 = 1.847_759_1;
    const B: f32 = 1.082_392_2;
    const C: f32 = 2.613_126;
    let first = [sum(row[0], row[4]), difference(row[0], row[4])];
    let outer = sum(row[2], row[6]);
    let inner = difference(times(difference(row[2], row[6]), ROOT), outer);
    let even = [
        sum(first[0], outer),
        sum(first[1], inner),
        difference(first[1], inner),
        difference(first[0], outer),
    ];
    let (sum_53, difference_53) = (sum(row[5], row[3]), difference(row[5], row[3]));
    let (sum_17, difference_17) = (sum(row[1], row[7]), difference(row[1], row[7]));
    let turned = times(sum(difference_53, difference_17), A);
    let zeroth = sum(sum_17, sum_53);
    let one = difference(difference(turned, times(difference_53, C)), zeroth);
    let two = difference(times(difference(sum_17, sum_53), ROOT), one);
    let three = difference(difference(turned, times(difference_17, B)), two);
    for (at, odd) in [zeroth, one, two, three].into_iter().enumerate() {
        row[at] = sum(even[at], odd);
        row[7 - at] = difference(even[at], odd);
    }
}

#[inline]
fn sum(mut one: Lanes, other: Lanes) -> Lanes {
    one.iter_mut().zip(other).for_each(|(to, value)| *to += value);
    one
}

#[inline]
fn difference(mut one: Lanes, other: Lanes) -> Lanes {
    one.iter_mut().zip(other).for_each(|(to, value)| *to -= value);
    one
}

#[inline]
fn times(mut one: Lanes, factor: f32) -> Lanes {
    for value in &mut one {
        *value *= factor;
    }
    one
}

#[cfg(test)]
mod tests {
    // Positions in a block are small.
    #![allow(clippy::cast_precision_loss)]

    use proptest::prelude::*;

    use super::*;

    /// The formula of T.81, A.3.3, and means of its values, in double precision.
    fn naive(coefficients: &[i16; AREA], quantisation: &[u16; AREA], by: usize) -> Vec<f64> {
        let mut natural = [0.0; AREA];
        for (at, (value, divisor)) in coefficients.iter().zip(quantisation).enumerate() {
            natural[usize::from(ZIGZAG[at])] = f64::from(*value) * f64::from(*divisor);
        }
        let scale = |frequency: usize| if frequency == 0 { FRAC_1_SQRT_2 } else { 1.0 };
        let cosine = |x: usize, u: usize| ((2 * x + 1) as f64 * u as f64 * PI / 16.0).cos();
        let whole = |x: usize, y: usize| -> f64 {
            (0..AREA)
                .map(|at| {
                    let (v, u) = (at / SIDE, at % SIDE);
                    scale(u) * scale(v) / 4.0 * natural[at] * cosine(x, u) * cosine(y, v)
                })
                .sum::<f64>()
                + 128.0
        };
        let side = SIDE / by;
        let mean = |at: usize| {
            let (x, y) = (at % side * by, at / side * by);
            let all = (0..by * by).map(|it| whole(x + it % by, y + it / by));
            all.sum::<f64>() / (by * by) as f64
        };
        (0..side * side).map(mean).collect()
    }

    fn check<const N: usize>(coefficients: &[i16; AREA], quantisation: &[u16; AREA]) {
        let weights = Weights::new(N, quantisation);
        let mut blocks = [[0; LANES]; 256];
        let places = weights.places.iter().zip(&weights.weights);
        for ((&place, weight), &value) in places.zip(coefficients) {
            blocks[usize::from(place)].iter_mut().for_each(|to| *to += weight * i32::from(value));
        }
        let expected = naive(coefficients, quantisation, SIDE / N);
        samples::<N>(&blocks, |row, lanes| {
            for lane in lanes {
                for (sample, expected) in lane.iter().zip(&expected[row * N..]) {
                    let expected = expected.clamp(0.0, 255.0);
                    let beside = (f64::from(*sample) - expected).abs();
                    assert!(beside < 0.56, "{sample} is not {expected} at a side of {N}");
                }
            }
        });
    }

    proptest! {
        #[test]
        fn a_sample_is_the_mean_of_those_that_it_stands_for(
            few in prop::collection::vec((0..AREA, -40..40_i16), 0..12),
            first in -500..500_i16,
            quantisation in prop::collection::vec(1..20_u16, AREA),
        ) {
            let mut coefficients = [0; AREA];
            for (at, value) in few {
                coefficients[at] = value;
            }
            coefficients[0] = first;
            let quantisation = quantisation.try_into().unwrap();
            check::<8>(&coefficients, &quantisation);
            check::<4>(&coefficients, &quantisation);
            check::<2>(&coefficients, &quantisation);
            check::<1>(&coefficients, &quantisation);
        }
    }

    #[test]
    fn the_largest_coefficient_of_the_largest_number_fits() {
        for at in 0..AREA {
            for value in [-1023, 1023] {
                let mut coefficients = [0; AREA];
                coefficients[at] = value;
                check::<8>(&coefficients, &[255; AREA]);
                check::<4>(&coefficients, &[255; AREA]);
            }
        }
    }
}
