//! A task's rank within its flow: its distance from the part of the page that its client shows.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The order of one client's tasks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// Tasks in view, then those ahead of the reader, then those behind; until the client has sent
    /// its viewport, as `"offset"`.
    #[default]
    Viewport,
    /// The topmost task first: by `offset_top`, ascending.
    Offset,
}

impl Order {
    /// As it is written in `routing.toml`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Viewport => "viewport",
            Self::Offset => "offset",
        }
    }
}

/// The part of a page that its client shows, in whole px: `top..bottom`, without `bottom`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Viewport {
    top: i64,
    bottom: i64,
}

impl Viewport {
    /// Takes the numbers as a client sends them, in px, and widens them to whole px.
    /// `None` unless both are finite and the height is not negative.
    pub(crate) fn new(top: f64, height: f64) -> Option<Self> {
        // `as` saturates, which makes no difference for a page of more than 2^63 px.
        #[expect(clippy::cast_possible_truncation, reason = "whole numbers, and `as` saturates")]
        let viewport = Self { top: top.floor() as i64, bottom: (top + height).ceil() as i64 };
        (top.is_finite() && height.is_finite() && height >= 0.0).then_some(viewport)
    }
}

#[cfg(feature = "redis")]
impl Viewport {
    /// Its top and its bottom.
    pub(crate) fn edges(self) -> (i64, i64) {
        (self.top, self.bottom)
    }
}

/// A client's viewport and the direction in which it last moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct View {
    viewport: Viewport,
    upwards: bool,
}

impl View {
    /// Pages are read from the top, so the first viewport of a client moves downwards.
    pub(super) fn first(viewport: Viewport) -> Self {
        Self { viewport, upwards: false }
    }

    /// The view after scrolling to `viewport`. If the top stays the same, so does the direction.
    pub(super) fn scrolled(self, viewport: Viewport) -> Self {
        let upwards = match viewport.top.cmp(&self.viewport.top) {
            std::cmp::Ordering::Less => true,
            std::cmp::Ordering::Equal => self.upwards,
            std::cmp::Ordering::Greater => false,
        };
        Self { viewport, upwards }
    }
}

/// The smallest rank runs first. The order is total: each task of a queue has its own `arrival`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank {
    class: Class,
    /// px, from the class's first px; negative for a task that begins above it.
    distance: i64,
    /// The number of the task's push. It stays the same when the rest of the rank changes.
    arrival: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Class {
    Visible,
    Ahead,
    Behind,
}

impl Rank {
    /// All tasks of a client without a view are ahead of it, beginning at the top of the page.
    /// So visible tasks of another client of the same flow run before them.
    pub(super) fn new(view: Option<View>, offset_top: i64, height: i64, arrival: u64) -> Self {
        let (class, distance) = match view {
            None => (Class::Ahead, offset_top),
            Some(View { viewport: Viewport { top, bottom }, upwards }) => {
                let reaches_in = bottom > top && offset_top.saturating_add(height) > top;
                if offset_top >= bottom {
                    let class = if upwards { Class::Behind } else { Class::Ahead };
                    (class, offset_top.saturating_sub(bottom))
                } else if offset_top >= top || reaches_in {
                    (Class::Visible, offset_top.saturating_sub(top))
                } else {
                    let class = if upwards { Class::Ahead } else { Class::Behind };
                    (class, top.saturating_sub(offset_top))
                }
            }
        };
        Self { class, distance, arrival }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OFFSETS: [i64; 9] = [i64::MIN, -1, 0, 50, 99, 100, 150, 200, i64::MAX];

    fn order(tops: &[f64], height: f64) -> Vec<i64> {
        let view = tops.iter().fold(None, |view: Option<View>, &top| {
            let viewport = Viewport::new(top, height).unwrap();
            Some(view.map_or(View::first(viewport), |view| view.scrolled(viewport)))
        });
        let mut ranked: Vec<_> =
            (0..).zip(OFFSETS).map(|(n, offset)| (Rank::new(view, offset, 0, n), offset)).collect();
        ranked.sort();
        ranked.into_iter().map(|(_, offset)| offset).collect()
    }

    #[test]
    fn visible_tasks_come_first_then_tasks_ahead_then_tasks_behind() {
        let (least, most) = (i64::MIN, i64::MAX);
        let down = vec![50, 99, 100, 150, 200, most, 0, -1, least];
        let up = vec![50, 99, 0, -1, least, 100, 150, 200, most];
        let table: [(&str, &[f64], f64, Vec<i64>); 8] = [
            ("no viewport yet", &[], 0.0, OFFSETS.to_vec()),
            ("the first one goes down", &[50.0], 50.0, down.clone()),
            ("scrolled down", &[0.0, 50.0], 50.0, down.clone()),
            ("scrolled up", &[60.0, 50.0], 50.0, up.clone()),
            ("resized after scrolling up", &[60.0, 50.0, 50.0], 50.0, up),
            ("up, then down again", &[60.0, 40.0, 50.0], 50.0, down.clone()),
            ("fractions of px", &[50.7], 48.9, down),
            (
                "no height sees nothing",
                &[50.0],
                0.0,
                vec![50, 99, 100, 150, 200, most, 0, -1, least],
            ),
        ];
        for (what, tops, height, expected) in table {
            assert_eq!(order(tops, height), expected, "{what}");
        }
    }

    #[test]
    fn extreme_offsets_are_ranked_like_any_other() {
        let (far, all) = (1e300, f64::MAX);
        let table: [(&[f64], f64); 6] = [
            (&[-far], 0.0),
            (&[-far], all),
            (&[far], 0.0),
            (&[far], all),
            (&[far, -far], 9.0),
            (&[-far, far], 9.0),
        ];
        for (tops, height) in table {
            let mut order = order(tops, height);
            order.sort_unstable();
            assert_eq!(order, OFFSETS, "{tops:?} {height}");
        }
    }

    #[test]
    fn a_task_that_reaches_into_the_viewport_is_visible() {
        let view = Some(View::first(Viewport::new(100.0, 50.0).unwrap()));
        let class = |offset, height| Rank::new(view, offset, height, 0).class;
        for (offset, height, expected) in [
            (90, 10, Class::Behind),
            (90, 11, Class::Visible),
            (0, 1000, Class::Visible),
            (0, i64::MAX, Class::Visible),
            (150, 1, Class::Ahead),
            (90, -20, Class::Behind),
        ] {
            assert_eq!(class(offset, height), expected, "{offset} {height}");
        }
    }

    #[test]
    fn equal_distances_are_in_order_of_arrival() {
        let view = Some(View::first(Viewport::new(0.0, 10.0).unwrap()));
        assert!(Rank::new(view, 5, 0, 1) < Rank::new(view, 5, 0, 2));
        assert!(Rank::new(None, 5, 0, 1) < Rank::new(None, 5, 0, 2));
    }

    #[test]
    fn numbers_that_are_not_finite_make_no_viewport() {
        for (top, height) in [(f64::NAN, 1.0), (f64::INFINITY, 1.0), (0.0, f64::NAN), (0.0, -1.0)] {
            assert_eq!(Viewport::new(top, height), None, "{top} {height}");
        }
    }
}
