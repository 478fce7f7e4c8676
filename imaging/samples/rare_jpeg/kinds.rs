//! The rare kinds of JPEG.

use super::{Colours, RareJpeg, adobe, jfif};

/// Each kind with its name; all files show the picture from which they were made.
pub fn kinds() -> Vec<(String, RareJpeg)> {
    let usual = RareJpeg::default;
    let of_scans = |scans: &[&[usize]]| {
        scans.iter().map(|members| (members.to_vec(), (0, 63))).collect::<Vec<_>>()
    };
    let mut kinds: Vec<(String, RareJpeg)> = Vec::new();
    let mut add = |name: &str, kind: RareJpeg| kinds.push((name.to_owned(), kind));
    add("the usual", usual());
    add("a scan for each component", RareJpeg { scans: of_scans(&[&[0], &[1], &[2]]), ..usual() });
    add("colours first", RareJpeg { scans: of_scans(&[&[2], &[1], &[0]]), ..usual() });
    add("colours together", RareJpeg { scans: of_scans(&[&[0], &[1, 2]]), ..usual() });
    add("extended sequential", RareJpeg { sof: 0xC1, ..usual() });
    add("numbers of two bytes", RareJpeg { deep: true, ..usual() });
    add("the standard's own codes", RareJpeg { codes: false, ..usual() });
    add("restarts", RareJpeg { restart: 2, ..usual() });
    add("a restart lost", RareJpeg { restart: 2, lost: vec![3], ..usual() });
    add("two restarts lost", RareJpeg { restart: 1, lost: vec![1, 2], ..usual() });
    add("five restarts lost", RareJpeg { restart: 1, lost: (4..9).collect(), ..usual() });
    let rgb = RareJpeg { colours: Colours::Rgb, factors: vec![(1, 1); 3], ..usual() };
    let marked = |segments: &[(u8, Vec<u8>)]| segments.to_vec();
    add("nothing about colours", RareJpeg { segments: marked(&[]), ..usual() });
    add("unknown names", RareJpeg { segments: marked(&[]), names: vec![7, 9, 200], ..usual() });
    add("JFIF before Adobe", RareJpeg { segments: marked(&[jfif(), adobe(0)]), ..usual() });
    add("JFIF behind Adobe", RareJpeg { segments: marked(&[adobe(0), jfif()]), ..usual() });
    add("JFIF and names of RGB", RareJpeg { names: b"RGB".to_vec(), ..usual() });
    add(
        "Adobe and names of RGB",
        RareJpeg { segments: marked(&[adobe(1)]), names: b"RGB".to_vec(), ..usual() },
    );
    for transform in [1, 2, 7, 255] {
        let segments = marked(&[adobe(transform)]);
        add(&format!("Adobe's transform {transform}"), RareJpeg { segments, ..usual() });
    }
    add("Adobe's RGB", RareJpeg { segments: marked(&[adobe(0)]), ..rgb.clone() });
    add("named RGB", RareJpeg { segments: marked(&[]), names: b"RGB".to_vec(), ..rgb.clone() });
    for (transform, colours) in [(0, Colours::Cmyk), (2, Colours::Ycck)] {
        for factors in [vec![(1, 1); 4], vec![(2, 2), (1, 1), (1, 1), (2, 2)]] {
            let name = format!("inks {transform} {factors:?}");
            let scans = of_scans(&[&[0, 1, 2, 3]]);
            let segments = marked(&[adobe(transform)]);
            add(&name, RareJpeg { factors, colours, segments, scans, ..usual() });
        }
    }
    let grey = || RareJpeg { colours: Colours::Grey, scans: of_scans(&[&[0]]), ..usual() };
    add("grey", RareJpeg { factors: vec![(1, 1)], ..grey() });
    add("grey of larger units", RareJpeg { factors: vec![(2, 3)], ..grey() });
    let all = |from, to| (vec![0, 1, 2], (from, to));
    let one = |of: usize, from, to| (vec![of], (from, to));
    for factors in [
        [(2, 2), (1, 1), (1, 1)],
        [(1, 1), (1, 1), (1, 1)],
        [(2, 1), (1, 1), (1, 1)],
        [(1, 2), (1, 1), (1, 1)],
        [(4, 1), (1, 1), (1, 1)],
        [(1, 4), (1, 1), (1, 1)],
        [(4, 2), (1, 1), (1, 1)],
        [(3, 1), (1, 1), (1, 1)],
        [(1, 3), (1, 1), (1, 1)],
        [(1, 1), (2, 2), (2, 2)],
        [(1, 1), (2, 1), (2, 1)],
        [(1, 1), (2, 2), (1, 1)],
        [(2, 2), (2, 1), (1, 2)],
        [(2, 1), (1, 2), (1, 1)],
    ] {
        let factors = factors.to_vec();
        add(&format!("{factors:?}"), RareJpeg { factors: factors.clone(), ..usual() });
        let scans = of_scans(&[&[0], &[1], &[2]]);
        add(&format!("{factors:?} apart"), RareJpeg { factors: factors.clone(), scans, ..usual() });
        let scans = vec![all(0, 0), one(0, 1, 5), one(2, 1, 63), one(1, 1, 63), one(0, 6, 63)];
        add(
            &format!("{factors:?} progressive"),
            RareJpeg { sof: 0xC2, factors: factors.clone(), scans, ..usual() },
        );
        let scans = (0..3).flat_map(|of| [one(2 - of, 0, 0), one(2 - of, 1, 63)]).collect();
        add(
            &format!("{factors:?} progressive, apart"),
            RareJpeg { sof: 0xC2, factors, scans, ..usual() },
        );
    }
    kinds
}
