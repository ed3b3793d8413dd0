//! What of a picture shall be explained.

use crate::error::Error;

/// Which class of a picture to explain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Target {
    /// The class of this rank in the network's own answer; 0 is the best.
    Rank(u32),
    /// A class id.
    Class(u32),
}

impl Target {
    /// What a slot's request holds for it (see [`Explain::ClassRequest`](crate::graph::Explain::ClassRequest)), in a
    /// network of so many classes.
    ///
    /// # Errors
    /// [`Error::Class`] for a class or rank that the network does not have.
    pub(crate) fn request(self, classes: u32) -> Result<f32, Error> {
        let (number, request) = match self {
            Target::Class(id) => (id, id as f32),
            Target::Rank(rank) => (rank, -1.0 - rank as f32),
        };
        if number < classes { Ok(request) } else { Err(Error::Class { class: number, classes }) }
    }

    /// The class that is meant, given the network's answer; of equal logits the lowest id ranks first.
    ///
    /// # Errors
    /// As [`Target::request`].
    pub(crate) fn class(self, logits: &[f32]) -> Result<u32, Error> {
        let classes = logits.len() as u32;
        self.request(classes)?;
        let rank = match self {
            Target::Class(id) => return Ok(id),
            Target::Rank(rank) => rank,
        };
        // Adding zero makes the two zeros equal.
        let value = |id: u32| logits[id as usize] + 0.0;
        let mut order: Vec<u32> = (0..classes).collect();
        order.sort_by(|&a, &b| value(b).total_cmp(&value(a)).then(a.cmp(&b)));
        Ok(order[rank as usize])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_are_looked_up_and_ties_go_to_the_lowest_class() {
        let logits = [1.0, 3.0, 3.0, -0.0, 0.0];
        let targets = [Target::Rank(0), Target::Rank(1), Target::Rank(2), Target::Rank(3), Target::Class(4)];
        assert_eq!(targets.map(|target| target.class(&logits).unwrap()), [1, 2, 0, 3, 4]);
        assert!(Target::Class(5).class(&logits).is_err());
        assert!(Target::Rank(5).class(&logits).is_err());
    }

    #[test]
    fn requests_tell_ids_from_ranks() {
        assert_eq!(Target::Class(3).request(4).unwrap(), 3.0);
        assert_eq!(Target::Rank(3).request(4).unwrap(), -4.0);
        for target in [Target::Class(4), Target::Rank(4)] {
            assert!(matches!(target.request(4), Err(Error::Class { class: 4, classes: 4 })));
        }
    }
}
