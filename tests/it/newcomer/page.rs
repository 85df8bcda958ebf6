//! A document as whoever follows it reads it: its fenced blocks, each under its heading.

use std::collections::VecDeque;

use crate::tidy::root;

/// What is fenced.
#[derive(Debug)]
pub(super) struct Block {
    heading: String,
    language: String,
    pub(super) text: String,
}

/// The blocks of a document that have not been followed yet, in its order.
pub(super) struct Page {
    name: &'static str,
    blocks: Vec<Block>,
}

impl Page {
    pub(super) fn open(name: &'static str) -> Self {
        let text = std::fs::read_to_string(root().join(name)).unwrap();
        Self::of(name, &text)
    }

    pub(super) fn of(name: &'static str, text: &str) -> Self {
        let blocks = blocks(text);
        Self { name, blocks }
    }

    /// The blocks in this language under this heading, which are followed with that.
    pub(super) fn take(&mut self, heading: &str, language: &str) -> VecDeque<Block> {
        let is_meant = |block: &mut Block| block.heading == heading && block.language == language;
        let taken: VecDeque<Block> = self.blocks.extract_if(.., is_meant).collect();
        assert!(
            !taken.is_empty(),
            "{}: nothing in {language} under `{heading}`",
            self.name
        );
        taken
    }

    pub(super) fn take_one(&mut self, heading: &str, language: &str) -> Block {
        let mut taken = self.take(heading, language);
        assert_eq!(taken.len(), 1, "{} under `{heading}`: {taken:#?}", self.name);
        taken.remove(0).unwrap()
    }

    /// Every command has been followed.
    pub(super) fn is_at_its_end(&self) {
        let left: Vec<&Block> = self
            .blocks
            .iter()
            .filter(|block| block.language == "sh")
            .collect();
        assert!(left.is_empty(), "{}: nobody has followed {left:#?}", self.name);
    }
}

fn blocks(text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let (mut heading, mut lines) = ("", text.lines());
    while let Some(line) = lines.next() {
        if line.starts_with('#') {
            heading = line.trim_start_matches('#').trim();
        }
        let Some(language) = line.trim_start().strip_prefix("```") else {
            continue;
        };
        let indent = line.len() - line.trim_start().len();
        let mut text = String::new();
        for line in lines.by_ref().take_while(|line| line.trim() != "```") {
            text.push_str(line.get(indent..).unwrap_or_default());
            text.push('\n');
        }
        blocks.push(Block {
            heading: heading.to_owned(),
            language: language.to_owned(),
            text,
        });
    }
    blocks
}
