//! The plan for a picture, from the properties in its header.

use serde_json::{Value, from_value, json};

use super::*;

/// Upright JPEGs of this size.
fn jpeg(width: u32, height: u32) -> Probe {
    Probe {
        format: Format::Jpeg,
        width,
        height,
        orientation: Orientation::NoTransforms,
        channels: 3,
        planes: 150,
        held: 0,
        cmyk: false,
        scans: 1,
        truncated: false,
        lossy_webp: false,
    }
}

fn pipeline(steps: Value) -> Pipeline {
    from_value(steps).unwrap()
}

fn planned<'a>(pipeline: &'a Pipeline, probe: &Probe, zoomed: (u32, u32)) -> Plan<'a> {
    plan(pipeline, probe, None, zoomed, false, &Limits::default()).unwrap()
}

#[test]
fn the_codec_shrinks_to_the_size_itself_or_leaves_twice_of_it() {
    let table = [
        // Exactly a half, a quarter, an eighth, with sides that can be divided.
        ((4000, 3000), (2000, 1500), 2),
        ((4000, 3000), (1000, 750), 4),
        ((4000, 3000), (500, 375), 8),
        ((4001, 3000), (2001, 1500), 1),
        ((4002, 3000), (1001, 750), 2),
        ((4002, 3002), (1000, 750), 2),
        // At least about a half remains.
        ((4000, 3000), (1030, 750), 1),
        ((4000, 3000), (1001, 751), 2),
        ((4000, 3000), (400, 300), 4),
        ((4000, 3000), (200, 150), 8),
        // The smaller of two factors counts.
        ((4000, 3000), (100, 1500), 1),
        ((4000, 3000), (6000, 4500), 1),
        ((4000, 3000), (4000, 3000), 1),
    ];
    let no_steps = pipeline(json!([]));
    for (from, to, expected) in table {
        let plan = planned(&no_steps, &jpeg(from.0, from.1), to);
        assert_eq!(plan.options.scale, expected, "{from:?} to {to:?}");
        let png = Probe { format: Format::Png, ..jpeg(from.0, from.1) };
        assert_eq!(planned(&no_steps, &png, to).options.scale, 1);
    }
}

#[test]
fn geometry_at_the_beginning_is_one_pass() {
    let probe = jpeg(4000, 3000);
    // Steps, the rectangle, its new size, and the number of remaining steps.
    let table = [
        (json!([{"fit": [1000, 1000]}]), (0.0, 0.0, 4000.0, 3000.0), (1000, 750), 0),
        (json!([{"crop": [100, 50, 200, 100]}]), (200.0, 100.0, 400.0, 200.0), (200, 100), 0),
        (
            json!([{"crop": [100, 50, 200, 100]}, {"fit": [100, 100]}, {"blur": 1.0}]),
            (200.0, 100.0, 400.0, 200.0),
            (100, 50),
            1,
        ),
        // Steps that do not look at the picture do not prevent combining others.
        (json!(["strip", {"fit": [100, 75]}, "png"]), (0.0, 0.0, 4000.0, 3000.0), (100, 75), 2),
        (json!([{"blur": 1.0}, {"fit": [100, 75]}]), (0.0, 0.0, 4000.0, 3000.0), (2000, 1500), 2),
    ];
    for (steps, (left, top, width, height), size, rest) in table {
        let pipeline = pipeline(steps.clone());
        let plan = planned(&pipeline, &probe, (2000, 1500));
        assert_eq!(plan.geometry.source, Rect { left, top, width, height }, "{steps}");
        assert_eq!((plan.geometry.size, plan.rest.len()), (size, rest), "{steps}");
    }
    let fit = pipeline(json!([{"fit": [100, 75]}]));
    let apart = plan(&fit, &probe, None, (2000, 1500), true, &Limits::default()).unwrap();
    assert_eq!((apart.geometry.size, apart.rest.len()), ((2000, 1500), 1));
}

#[test]
fn only_what_the_result_needs_is_decoded() {
    let options = |scale, grey, planes| DecodeOptions { scale, grey, planes };
    let table = [
        (json!([]), options(1, false, true), true),
        (json!(["strip"]), options(1, false, true), true),
        (json!(["grayscale"]), options(1, true, false), false),
        (json!([{"flip": "horizontal"}, "grayscale"]), options(1, true, false), false),
        (json!([{"saturation": 2.0}, "grayscale"]), options(1, false, false), false),
        (json!([{"jpeg": {"quality": 50}}]), options(1, false, true), false),
        (json!(["png"]), options(1, false, false), false),
        (json!([{"blur": 1.0}]), options(1, false, false), false),
        (json!([{"fit": [2000, 1500]}]), options(2, false, true), false),
        (json!([{"fit": [2000, 1500]}, "grayscale"]), options(2, true, false), false),
    ];
    for (steps, expected, untouched) in table {
        let pipeline = pipeline(steps.clone());
        let probe = jpeg(4000, 3000);
        let plan = planned(&pipeline, &probe, probe.size());
        assert_eq!((plan.options, plan.untouched), (expected, untouched), "{steps}");
        // A picture that must be turned or completed is not passed on unchanged.
        for probe in [
            Probe { orientation: Orientation::Rotate180, ..probe },
            Probe { truncated: true, ..probe },
        ] {
            assert!(!planned(&pipeline, &probe, probe.size()).untouched, "{steps}");
        }
    }
}

#[test]
fn a_cut_of_the_upright_picture_is_cut_before_it_is_turned() {
    use Orientation as O;
    // 30 × 20 at 10, 5 of an upright 400 × 300.
    let crop = pipeline(json!([{"crop": [10, 5, 30, 20]}]));
    let table = [
        (O::NoTransforms, (10.0, 5.0), false),
        (O::FlipHorizontal, (360.0, 5.0), false),
        (O::Rotate180, (360.0, 275.0), false),
        (O::FlipVertical, (10.0, 275.0), false),
        (O::Rotate90FlipH, (5.0, 10.0), true),
        (O::Rotate90, (5.0, 360.0), true),
        (O::Rotate270FlipH, (275.0, 360.0), true),
        (O::Rotate270, (275.0, 10.0), true),
    ];
    for (orientation, (left, top), lies) in table {
        let probe = Probe { orientation, ..jpeg(400, 300) };
        let Geometry { source, size } = planned(&crop, &probe, (400, 300)).geometry;
        let (width, height) = if lies { (20, 30) } else { (30, 20) };
        let expected = Rect { left, top, width: f64::from(width), height: f64::from(height) };
        assert_eq!((source, size), (expected, (width, height)), "{orientation:?}");
    }
}

#[test]
fn what_it_will_take_is_known_before() {
    let probe = jpeg(4000, 3000);
    let table = [
        (json!([]), (2000, 1500), (2000, 1500), 150, 0, (2000, 1500)),
        (json!(["grayscale"]), (1600, 1200), (4000, 3000), 100, 0, (1600, 1200)),
        (json!([{"blur": 1.0}]), (900, 675), (2000, 1500), 300, 2000 * 1500 * 3, (900, 675)),
    ];
    for (steps, zoomed, decoded, samples, held, largest) in table {
        let pipeline = pipeline(steps.clone());
        let demand = planned(&pipeline, &probe, zoomed).demand(&probe, b"file");
        let expected =
            Demand { file: 4, decoded, samples, held, size: zoomed, largest, encoder: 0 };
        assert_eq!(demand, expected, "{steps}");
    }
    // Another format is decoded at its stored size.
    let png = Probe { format: Format::Png, ..probe };
    let no_steps = pipeline(json!([]));
    let plan = planned(&no_steps, &png, (2000, 1500));
    assert_eq!((plan.options.scale, plan.demand(&png, b"").decoded), (1, (4000, 3000)));
    let padded = pipeline(json!([{"fit": [400, 300]}, {"pad": [800, 600]}]));
    let demand = planned(&padded, &probe, (4000, 3000)).demand(&probe, b"file");
    assert_eq!((demand.size, demand.largest), ((400, 300), (800, 600)));
}

#[test]
fn a_step_that_makes_a_line_lie_down_is_counted_with_what_it_makes_on_the_way() {
    let probe = Probe { format: Format::Png, ..jpeg(2, 60_000) };
    for (step, largest) in [
        (json!({"fill": [1000, 2]}), (1000, 60_000)),
        (json!({"fill": [2, 10]}), (2, 60_000)),
        (json!({"cover": {"size": [300, 300], "gravity": "smart"}}), (300, 60_000)),
        (json!({"rotate": 90}), (60_000, 2)),
    ] {
        let pipeline = pipeline(json!([{"blur": 1.0}, step]));
        let demand = planned(&pipeline, &probe, probe.size()).demand(&probe, b"file");
        assert_eq!(demand.largest.0 * demand.largest.1, largest.0 * largest.1, "{step}");
    }
}
