//! A bucket as the store for contents of queued tasks.

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{Error, ObjectStore, ObjectStoreExt, PutPayload};
use waterway::queue::{TransitFuture, TransitStore};

use super::Bucket;

impl TransitStore for Bucket {
    fn place(&self) -> String {
        let settings = &self.0.settings;
        format!("s3://{}/{}", settings.bucket.as_str(), settings.prefix)
    }

    fn put<'a>(&'a self, name: &'a str, content: Bytes) -> TransitFuture<'a, ()> {
        Box::pin(async move {
            self.0.store.put(&self.path(name)?, PutPayload::from(content)).await?;
            Ok(())
        })
    }

    fn get<'a>(&'a self, name: &'a str, length: u64) -> TransitFuture<'a, Option<Bytes>> {
        Box::pin(async move {
            let found = match self.0.store.get(&self.path(name)?).await {
                Err(Error::NotFound { .. }) => return Ok(None),
                found => found?,
            };
            if found.meta.size != length {
                return Ok(None);
            }
            Ok(Some(found.bytes().await?))
        })
    }

    fn remove<'a>(&'a self, name: &'a str) -> TransitFuture<'a, ()> {
        Box::pin(async move {
            match self.0.store.delete(&self.path(name)?).await {
                Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
                Err(error) => Err(error.into()),
            }
        })
    }

    fn names(&self, most: usize) -> TransitFuture<'_, Vec<String>> {
        Box::pin(async move {
            let prefix = Path::parse(&self.0.settings.prefix)?;
            // In the order of their names.
            let objects = self.0.store.list(Some(&prefix)).take(most);
            let name = async |object: object_store::ObjectMeta| {
                Ok(object.location.filename().map(str::to_owned))
            };
            Ok(objects.try_filter_map(name).try_collect().await?)
        })
    }
}
