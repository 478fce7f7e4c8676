//! The picture that replaces the result of a failed pipeline.

use imaging::{Pipeline, metadata};
use waterway::Error;

use super::{Job, Known, Names, Unwritten, pass, write};
use crate::image::checkpoint::Checkpoint;
use crate::image::options::Keep;
use crate::image::worked::Encoded;
use crate::storage::Kept;

impl Job<'_> {
    /// The received picture in a form that anyone may see: upright, with nothing but the picture
    /// and its profile. It is the stripped file, or a new file if that cannot be stripped. `None`
    /// if it cannot be decoded, or if memory or time is short.
    pub(super) fn upright(
        &self,
        known: &Known<'_>,
        checkpoint: &mut Checkpoint<'_>,
    ) -> Option<Encoded> {
        let Known { index, probe, .. } = known;
        if let Some(stripped) = metadata::stripped(index, true) {
            return Some(Encoded { format: probe.format, bytes: stripped.into() });
        }
        let nothing = Pipeline::new(Vec::new());
        let plan = self.plan(&nothing, known, probe.size()).ok()?;
        let demand = plan.demand(probe, self.file).bytes();
        // The failed pipeline may have got less memory than this takes, and still holds it.
        let _grant = self.service.budget.try_take(usize::try_from(demand).ok()?)?;
        imaging::check_room(demand).ok()?;
        let mut worker = self.service.workers.lend();
        match self.decoded(&plan, known, &mut worker, checkpoint).ok()? {
            Unwritten::PassedOn(file) => Some(Encoded { format: probe.format, bytes: file.into() }),
            Unwritten::Decoded(picture, profile) => {
                pass(checkpoint("encode")).ok()?;
                write(&mut worker, picture, plan.encoding, profile).ok()
            }
        }
    }

    /// Puts the received picture in the result's place after the pipeline failed, and adds its
    /// address to the error. Without an `upright` picture, or if the store fails, nothing is stored.
    pub(super) async fn stand_in(
        &self,
        error: Error,
        upright: Option<Encoded>,
        known: &Known<'_>,
        names: &Names,
        mut original: Option<Kept>,
    ) -> Error {
        let Some(upright) = upright else { return error };
        let name = self.result_name(names, upright.format);
        let stored = async {
            if original.is_none() && self.service.pictures.keep == Keep::Original {
                let name = names.original(known.probe.format);
                original = Some(self.store.keep(name, self.file).await?);
            }
            let kept = self.store.keep(name, &upright.bytes).await?;
            let url = self.store.url(kept.name()).await?;
            kept.commit();
            Ok::<_, Error>(url)
        };
        match stored.await {
            Ok(url) => {
                if let Some(original) = original {
                    original.commit();
                }
                error.with("url", url)
            }
            Err(_) => error,
        }
    }
}
