//! Explanations whose maps stay where they are, on the GPU.

use super::Explainer;
use super::batches::in_batches;
use crate::batch::Batch;
use crate::error::Error;
use crate::session::{Session, SessionShape};
use crate::target::Target;
use std::ops::Range;

impl Explainer {
    /// Explains one target of each picture, by a method that runs a picture once. After every run `take` is given the
    /// session, in whose slot 0 the maps lie, and the number of its first picture. Only logits are read.
    ///
    /// # Errors
    /// As [`Explainer::explain`].
    pub(crate) async fn explain_in_place(
        &mut self,
        batch: &Batch,
        targets: &[Target],
        mut take: impl AsyncFnMut(&Session, u32) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let shape = SessionShape { count: batch.count, height: batch.height, width: batch.width, slots: 1 };
        let (total, largest) = (batch.count as usize, self.largest_batch(shape)?);
        let run = async |pictures: Range<usize>| {
            let (first, end) = (pictures.start as u32, pictures.end);
            let part = batch.select(pictures.clone());
            let session = self.run_in_place(&part, &targets[pictures]).await;
            take(&self.make_room(session)?, first).await?;
            self.report_progress(end, total)?;
            Ok(Vec::<()>::new())
        };
        in_batches(total, largest, run).await?;
        Ok(())
    }

    async fn run_in_place(&mut self, batch: &Batch, targets: &[Target]) -> Result<Session, Error> {
        let Batch { count, height, width, .. } = *batch;
        let session = self.session(SessionShape { count, height, width, slots: 1 }).await?;
        let write = || {
            session.write_pictures(batch)?;
            session.write_targets(0, targets)
        };
        self.gpu.checked("uploading pictures", 4 * batch.data.len() as u64, write).await??;
        session.run().await?;
        let logits = session.read_logits().await?;
        self.check_facts(batch, logits.iter().map(Vec::as_slice))?;
        Ok(session)
    }
}
