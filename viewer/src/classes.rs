//! Which classes are explained, and what the network makes of them.

use agf::Target;
use agf::models::Labels;

/// The classes of the question.
#[derive(Clone, Debug, PartialEq)]
pub enum Choice {
    /// So many of the best, whatever the photo.
    Top(usize),
    /// These.
    Classes(Vec<u32>),
}

impl Default for Choice {
    fn default() -> Self {
        Self::Top(1)
    }
}

/// Most classes at a time.
pub const MOST: usize = 8;

impl Choice {
    /// The classes of an answer.
    pub fn classes(&self, logits: &[f32]) -> Vec<u32> {
        match self {
            Self::Top(count) => ranked(logits).into_iter().take(*count).collect(),
            Self::Classes(classes) => classes.clone(),
        }
    }

    /// The targets of a question.
    pub fn targets(&self, logits: &[f32]) -> Vec<Target> {
        self.classes(logits).into_iter().map(Target::Class).collect()
    }

    /// A class was clicked: alone, or together with those that were chosen before, or no more. One remains.
    pub fn click(&mut self, class: u32, is_added: bool, logits: &[f32]) {
        let mut classes = if is_added { self.classes(logits) } else { Vec::new() };
        match classes.iter().position(|&chosen| chosen == class) {
            Some(_) if classes.len() == 1 => {}
            Some(position) => drop(classes.remove(position)),
            None if classes.len() < MOST => classes.push(class),
            None => {}
        }
        *self = Self::Classes(classes);
    }
}

/// Softmax.
pub fn probabilities(logits: &[f32]) -> Vec<f32> {
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let exponentials: Vec<f64> = logits.iter().map(|logit| f64::from(logit - largest).exp()).collect();
    let sum: f64 = exponentials.iter().sum();
    exponentials.into_iter().map(|value| (value / sum) as f32).collect()
}

/// Classes by their logits, the best first; of equal ones the lower number first.
pub fn ranked(logits: &[f32]) -> Vec<u32> {
    let mut classes: Vec<u32> = (0..logits.len() as u32).collect();
    classes.sort_by(|&a, &b| logits[b as usize].total_cmp(&logits[a as usize]));
    classes
}

/// Classes whose names have all words of a text in them, the best first.
pub fn found(text: &str, labels: &Labels, ranked: &[u32]) -> Vec<u32> {
    let words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
    let fits = |class: &u32| {
        let name = labels.full(*class).to_lowercase();
        words.iter().all(|word| name.contains(word) || *word == class.to_string())
    };
    ranked.iter().copied().filter(fits).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOGITS: [f32; 4] = [0.5, 2.0, -1.0, 2.0];

    #[test]
    fn the_best_classes_follow_the_photo() {
        assert_eq!(ranked(&LOGITS), [1, 3, 0, 2]);
        assert_eq!(Choice::Top(2).targets(&LOGITS), [Target::Class(1), Target::Class(3)]);
        let sum: f32 = probabilities(&LOGITS).iter().sum();
        assert!((sum - 1.0).abs() < 1e-6);
        assert_eq!(probabilities(&[1e30, 0.0]), [1.0, 0.0]);
    }

    #[test]
    fn clicks_choose_and_one_class_remains() {
        let mut choice = Choice::Top(1);
        choice.click(2, true, &LOGITS);
        assert_eq!(choice, Choice::Classes(vec![1, 2]));
        choice.click(1, true, &LOGITS);
        choice.click(2, true, &LOGITS);
        assert_eq!(choice, Choice::Classes(vec![2]), "the last one stays");
        choice.click(0, false, &LOGITS);
        assert_eq!(choice, Choice::Classes(vec![0]));
        let many: Vec<f32> = vec![0.0; 20];
        (0..20).for_each(|class| choice.click(class + 1, true, &many));
        assert_eq!(choice.classes(&many).len(), MOST);
    }

    #[test]
    fn names_are_searched_by_their_words() {
        let labels = Labels::imagenet();
        let all: Vec<u32> = (0..1000).collect();
        let names: Vec<&str> = found("panda GIANT", &labels, &all).iter().map(|&class| labels.name(class)).collect();
        assert_eq!(names, ["giant panda"]);
        assert_eq!(found("388", &labels, &all), [388]);
        assert!(found("no such animal", &labels, &all).is_empty());
    }
}
