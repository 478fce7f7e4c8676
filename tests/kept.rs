//! The memory that the service keeps after it has worked on pictures, and pictures that need
//! more than the system gives.

use std::time::{Duration, Instant};

use image::DynamicImage;
use image::codecs::webp::WebPEncoder;
use rustix::process::{Pid, Resource, Rlimit, prlimit};
use serde_json::json;

use crate::util::{Page, Service, flat, photo, picture_table, post};

/// A GIF of one colour: 37 KB, however much memory its pixels take.
fn flat_gif(width: u16, height: u16) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = gif::Encoder::new(&mut file, width, height, &[9, 9, 9, 0, 0, 0]).unwrap();
    let pixels = vec![0; usize::from(width) * usize::from(height)];
    let frame = gif::Frame::from_indexed_pixels(width, height, pixels, Some(1));
    encoder.write_frame(&frame).unwrap();
    drop(encoder);
    file
}

/// A progressive JPEG of one colour.
fn flat_progressive(width: u16, height: u16) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = jpeg_encoder::Encoder::new(&mut file, 90);
    encoder.set_progressive(true);
    let pixels = vec![90; usize::from(width) * usize::from(height) * 3];
    encoder.encode(&pixels, width, height, jpeg_encoder::ColorType::Rgb).unwrap();
    file
}

#[tokio::test]
async fn a_worker_keeps_no_more_of_large_pictures_than_its_buffers() {
    const MIB: u64 = 1 << 10;
    let table = picture_table("", "limits = { buffers = '8MiB', time = '5m' }");
    let service = Service::start_with(&table, |command| {
        // With these settings the C library keeps little freed memory, so the service's own buffers
        // show.
        command.env("MALLOC_MMAP_THRESHOLD_", "262144").env("MALLOC_TRIM_THRESHOLD_", "262144");
    });
    let mut page = Page::open(&service).await;
    let small = photo(320, 240);
    page.send(json!({"uuid": 0, "zoom": 0.07}), &small).await;
    assert!(page.answer().await["url"].is_string());
    let begin = service.memory("VmRSS");

    let gif = flat_gif(5_000, 3_000);
    assert!(gif.len() < 20_000, "{} bytes", gif.len());
    for file in [gif, flat_progressive(2_500, 2_000), flat(4_000, 3_000)] {
        page.send(json!({"uuid": 1, "zoom": 0.07}), &file).await;
        let answer = page.answer().await;
        assert!(answer["url"].is_string(), "{answer}");
    }
    assert!(service.memory("VmHWM") > begin + 60 * MIB, "the pictures were large");

    // The system may take freed memory back a little later.
    let most = begin + (8 + 20) * MIB;
    let deadline = Instant::now() + Duration::from_secs(20);
    let mut now = service.memory("VmRSS");
    while now > most && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(100)).await;
        now = service.memory("VmRSS");
    }
    assert!(now <= most, "{} MiB more than at the beginning", (now - begin) / MIB);
}

#[test]
fn a_picture_is_refused_if_the_system_has_no_memory_for_it() {
    let table = picture_table("", "limits = { time = '5m' }").replace(
        "rl = ['grayscale']",
        "rl = ['grayscale']\nturned = [{ rotate = 90 }, { pad = 9 }, { fit = [9, 9] }]",
    );
    let service = Service::start(&table);
    let work = |query: &str, file: &[u8]| {
        let answer = post(&service.url(&format!("/work?{query}")), file);
        (answer.status, answer.header("retry-after").to_owned(), answer.json())
    };
    let small = photo(64, 48);
    assert_eq!(work("", &small).0, 200);

    // The service may take 20 MiB more than it has now.
    let limit = |limit| {
        let pid = Pid::from_raw(i32::try_from(service.pid()).unwrap());
        let new = Rlimit { current: limit, maximum: None };
        prlimit(pid, Resource::As, new).expect("one may limit one's own child");
    };
    limit(Some((service.memory("VmSize") + (20 << 10)) << 10));
    let mut refused = 0;
    for side in [500, 1_500, 2_500, 3_500] {
        let clear = DynamicImage::new_rgba8(side, side);
        let mut webp = Vec::new();
        clear.write_with_encoder(WebPEncoder::new_lossless(&mut webp)).unwrap();
        let sides = u16::try_from(side).unwrap();
        for file in [flat(side, side), flat_gif(sides, sides), webp, flat_progressive(sides, sides)]
        {
            for query in ["zoom=0.1", "rType=turned"] {
                let (status, retry, answer) = work(query, &file);
                if status != 200 {
                    let reported = (status, answer["code"].as_str(), retry.as_str());
                    assert_eq!(reported, (503, Some("refused"), "1"), "{side}, {query}: {answer}");
                    refused += 1;
                }
            }
        }
        assert_eq!(work("", &small).0, 200, "{side}");
    }
    assert!((4..28).contains(&refused), "{refused} of 32 refused");
    limit(None);
    assert_eq!(work("zoom=0.1", &flat(3_500, 3_500)).0, 200, "there is memory again");
}
