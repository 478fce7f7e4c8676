//! The picture that stands in for the result of a pipeline that failed.

use waterway::Error;

use super::{Encoded, Job, Received};
use crate::image::Checkpoint;
use crate::image::admission::estimate;
use crate::image::codec::{Index, Probe, metadata};
use crate::image::options::Keep;
use crate::image::pipeline::Pipeline;
use crate::image::profile::Profile;
use crate::image::scratch;

impl Job<'_> {
    /// The received picture as anybody may see it: upright, and with nothing but itself and its
    /// profile. It is the stripped file, or a new one where the file cannot be stripped. Nothing
    /// when it cannot be decoded, or there is no memory or time for that now.
    pub(super) fn upright(
        &self,
        index: &Index<'_>,
        probe: &Probe,
        checkpoint: &mut Checkpoint<'_>,
    ) -> Option<Encoded> {
        if let Some(stripped) = metadata::stripped(index, true) {
            return Some(Encoded { format: probe.format, bytes: stripped.into() });
        }
        let nothing = Pipeline::new(Vec::new());
        let profile = Profile::of(index, probe);
        let plan = self.plan(&nothing, probe, profile.as_ref(), probe.size()).ok()?;
        let demand = estimate(&plan.demand(probe, self.file));
        // What the failed pipeline was given may have been less, and is still taken.
        let _grant = self.service.budget.try_take(usize::try_from(demand).ok()?)?;
        scratch::check_room(demand).ok()?;
        let picture = self.picture(&plan, probe, checkpoint).ok()?;
        checkpoint("encode").ok()?;
        self.encode(plan.encoding, picture, profile).ok()
    }

    /// Has the received picture stand in for the result when the pipeline failed. Leaves nothing
    /// when there is no picture that anybody may see, or the store takes nothing.
    pub(super) async fn stand_in(
        &self,
        error: Error,
        upright: Option<Encoded>,
        probe: &Probe,
        mut received: Received,
    ) -> Error {
        let Some(upright) = upright else { return error };
        let name = self.result_name(&received, upright.format.extension());
        let stored = async {
            if received.kept.is_none() && self.service.pictures.keep == Keep::Original {
                received.kept =
                    Some(self.store.keep(received.file_name(probe.format), self.file).await?);
            }
            let kept = self.store.keep(name, &upright.bytes).await?;
            let url = self.store.url(kept.name()).await?;
            kept.commit();
            Ok::<_, Error>(url)
        };
        match stored.await {
            Ok(url) => {
                received.commit();
                error.with("url", url)
            }
            Err(_) => error,
        }
    }
}
