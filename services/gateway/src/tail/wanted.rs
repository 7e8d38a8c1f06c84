//! Which events a caller wants.

use flow_model::Channel;

use super::event::Event;

/// Every filter that is set must fit. Ids are as events write them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wanted {
    /// Of these types; of all when there is none.
    pub types: Vec<&'static str>,
    /// Of this conversation.
    pub conversation: Option<String>,
    /// Of this workflow.
    pub workflow: Option<String>,
    /// Of this execution.
    pub execution: Option<String>,
    /// Of this customer.
    pub customer: Option<String>,
    /// Over this channel.
    pub channel: Option<Channel>,
}

impl Wanted {
    /// The types, each once.
    pub fn types(&self) -> Vec<&'static str> {
        let mut types = self.types.clone();
        types.sort_unstable();
        types.dedup();
        types
    }

    /// Whether an event is one of them.
    pub fn has(&self, event: &Event<'_>) -> bool {
        let data = &event.data;
        let same = |wanted: Option<&str>, is: Option<&str>| wanted.is_none() || wanted == is;
        (self.types.is_empty() || self.types.contains(&&*event.r#type))
            && same(self.conversation.as_deref(), data.conversation_id.as_deref())
            && same(self.workflow.as_deref(), data.workflow_id.as_deref())
            && same(self.execution.as_deref(), data.execution_id.as_deref())
            && same(self.customer.as_deref(), data.customer_id.as_deref())
            && same(self.channel.map(Channel::as_str), data.channel.as_deref())
    }
}
