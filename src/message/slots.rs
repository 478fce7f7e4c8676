//! What consumers keep for one connection: values by consumer and type, dropped with the
//! connection.

use std::any::{Any, TypeId};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What consumers keep for one connection.
#[derive(Default)]
pub(super) struct Slots {
    // A list, because few consumers serve one connection. `std`'s mutex: it is locked for single
    // statements.
    slots: Mutex<Vec<Slot>>,
}

struct Slot {
    consumer: Arc<str>,
    type_id: TypeId,
    value: Arc<dyn Any + Send + Sync>,
}

impl Slots {
    pub(super) fn get<T: Any + Send + Sync>(&self, consumer: &str) -> Option<Arc<T>> {
        find(&self.lock(), consumer)
    }

    pub(super) fn get_or_insert_with<T: Any + Send + Sync>(
        &self,
        consumer: &Arc<str>,
        make: impl FnOnce() -> T,
    ) -> Arc<T> {
        if let Some(value) = self.get(consumer) {
            return value;
        }
        // Made without the lock, because it is the consumer's code. If another thread was faster,
        // its value counts.
        let (consumer, new) = (Arc::clone(consumer), Arc::new(make()));
        let mut slots = self.lock();
        if let Some(value) = find(&slots, &consumer) {
            return value;
        }
        let value = Arc::clone(&new) as Arc<dyn Any + Send + Sync>;
        slots.push(Slot { consumer, type_id: TypeId::of::<T>(), value });
        new
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Slot>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn find<T: Any + Send + Sync>(slots: &[Slot], consumer: &str) -> Option<Arc<T>> {
    let type_id = TypeId::of::<T>();
    let slot = slots.iter().find(|slot| slot.type_id == type_id && *slot.consumer == *consumer)?;
    Arc::clone(&slot.value).downcast().ok()
}

impl fmt::Debug for Slots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Slots").field(&self.lock().len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use crate::message::Scope;

    #[test]
    fn a_value_belongs_to_a_consumer_and_a_type_and_is_dropped_with_the_connection() {
        let scope = Scope::default();
        let (a, b): (Arc<str>, Arc<str>) = ("a".into(), "b".into());
        let count = scope.slot(&a, || AtomicU32::new(1));
        count.fetch_add(1, Ordering::Relaxed);
        let again = Scope::clone(&scope).slot(&a, || AtomicU32::new(1));
        assert_eq!(again.load(Ordering::Relaxed), 2);
        assert_eq!(scope.slot(&b, || AtomicU32::new(7)).load(Ordering::Relaxed), 7);
        assert_eq!(*scope.slot(&a, || "text"), "text");
        let kept = Arc::downgrade(&count);
        drop((count, again, scope));
        assert!(kept.upgrade().is_none());
    }
}
