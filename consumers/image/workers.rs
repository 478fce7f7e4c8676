//! The workers of one picture service: each is lent to one picture at a time.

use std::mem;
use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, MutexGuard, PoisonError};

use imaging::Worker;

/// Idle workers. Their number is bounded by the number of pictures that were ever processed at the
/// same time, which the queues' `workers` and `waiting` bound.
pub(super) struct Workers {
    idle: Mutex<Vec<Worker>>,
    /// The most bytes that each worker keeps from one picture to the next.
    buffers: usize,
}

/// A worker, until it is dropped.
pub(super) struct Lent<'a> {
    worker: Worker,
    workers: &'a Workers,
}

impl Workers {
    pub(super) fn new(buffers: usize) -> Self {
        Self { idle: Mutex::default(), buffers }
    }

    /// The worker that was given back last, whose memory is warm in the processor's cache; or a
    /// new one when none is idle.
    pub(super) fn lend(&self) -> Lent<'_> {
        let idle = self.idle().pop();
        let worker = idle.unwrap_or_else(|| Worker::new(self.buffers));
        Lent { worker, workers: self }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Worker>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Deref for Lent<'_> {
    type Target = Worker;

    fn deref(&self) -> &Worker {
        &self.worker
    }
}

impl DerefMut for Lent<'_> {
    fn deref_mut(&mut self) -> &mut Worker {
        &mut self.worker
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        self.workers.idle().push(mem::take(&mut self.worker));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_is_lent_again_once_it_is_given_back() {
        let workers = Workers::new(0);
        for _ in 0..3 {
            let both = [workers.lend(), workers.lend()];
            assert_eq!(workers.idle().len(), 0);
            drop(both);
            assert_eq!(workers.idle().len(), 2);
        }
    }
}
