//! Times and sizes as people read them: rounded down.

/// A time in ms, in the largest unit that it holds at least twice.
pub(super) fn age(ms: u64) -> String {
    const UNITS: [(&str, u64); 3] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000)];
    let unit = UNITS.iter().find(|(_, length)| ms >= 2 * length);
    let (unit, length) = unit.unwrap_or(&("s", 1000));
    format!("{}{unit}", ms / length)
}

/// A number of bytes, with one place after the point.
pub(super) fn size(bytes: u64) -> String {
    const UNITS: [(&str, u64); 3] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    let Some((unit, length)) = UNITS.iter().find(|(_, length)| bytes >= *length) else {
        return format!("{bytes}B");
    };
    let tenth = bytes % length * 10 / length;
    format!("{}.{tenth}{unit}", bytes / length)
}

#[cfg(test)]
mod tests {
    use super::{age, size};

    #[test]
    fn times_and_sizes_are_short() {
        for (ms, shown) in [
            (0, "0s"),
            (1999, "1s"),
            (119_999, "119s"),
            (120_000, "2m"),
            (7_200_000, "2h"),
            (172_799_999, "47h"),
            (604_800_000, "7d"),
        ] {
            assert_eq!(age(ms), shown, "{ms}");
        }
        for (bytes, shown) in [
            (0, "0B"),
            (1023, "1023B"),
            (1024, "1.0KiB"),
            (1_572_864, "1.5MiB"),
            (u64::MAX, "17179869183.9GiB"),
        ] {
            assert_eq!(size(bytes), shown, "{bytes}");
        }
    }
}
