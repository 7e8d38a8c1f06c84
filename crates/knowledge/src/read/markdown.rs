//! Markdown: its headings, paragraphs, items, rows of tables and lines of code.

use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use super::html;
use crate::outline::Outline;

pub(super) fn read(text: &str, outline: &mut Outline) {
    let mut reading = Reading::default();
    for event in Parser::new_ext(
        text,
        Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS,
    ) {
        if outline.is_full() {
            return;
        }
        reading.take(event, outline);
    }
    reading.flush(outline);
}

#[derive(Debug, Default)]
struct Reading {
    text: String,
    cells: Vec<String>,
    in_code: bool,
    html: String,
}

impl Reading {
    fn take(&mut self, event: Event<'_>, outline: &mut Outline) {
        match event {
            Event::Start(tag) => self.start(&tag, outline),
            Event::End(tag) => self.end(tag, outline),
            Event::Text(text) if self.in_code => {
                for line in text.lines() {
                    outline.code(line);
                }
            }
            Event::Text(text) | Event::Code(text) | Event::InlineMath(text) | Event::DisplayMath(text) => {
                self.text.push_str(&text);
            }
            Event::SoftBreak | Event::HardBreak => self.text.push(' '),
            Event::Html(part) => self.html.push_str(&part),
            Event::InlineHtml(_) | Event::FootnoteReference(_) | Event::TaskListMarker(_) => {}
            Event::Rule => self.flush(outline),
        }
    }

    fn start(&mut self, tag: &Tag<'_>, outline: &mut Outline) {
        match tag {
            Tag::CodeBlock(_) => {
                self.flush(outline);
                self.in_code = true;
            }
            Tag::Paragraph | Tag::Heading { .. } | Tag::Item | Tag::HtmlBlock | Tag::List(_) => {
                self.flush(outline);
            }
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd, outline: &mut Outline) {
        match tag {
            TagEnd::Heading(level) => outline.heading(number(level), &std::mem::take(&mut self.text)),
            TagEnd::CodeBlock => self.in_code = false,
            TagEnd::TableCell => self.cells.push(std::mem::take(&mut self.text)),
            TagEnd::TableHead => outline.columns(std::mem::take(&mut self.cells)),
            TagEnd::TableRow => outline.row(&std::mem::take(&mut self.cells)),
            TagEnd::Table => outline.end_table(),
            TagEnd::HtmlBlock => html::read(&std::mem::take(&mut self.html), outline),
            TagEnd::Paragraph | TagEnd::Item => self.flush(outline),
            _ => {}
        }
    }

    fn flush(&mut self, outline: &mut Outline) {
        outline.block(&std::mem::take(&mut self.text));
    }
}

fn number(level: HeadingLevel) -> usize {
    match level {
        HeadingLevel::H1 => 1,
        HeadingLevel::H2 => 2,
        HeadingLevel::H3 => 3,
        HeadingLevel::H4 => 4,
        HeadingLevel::H5 => 5,
        HeadingLevel::H6 => 6,
    }
}
