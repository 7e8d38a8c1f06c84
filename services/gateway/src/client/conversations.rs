//! Conversations and customers: any execution runner answers for all.

use contracts::{subject::runner, v1};
use flow_model::ConversationId;

use super::Client;
use crate::auth::Account;
use crate::http::error::ApiError;

impl Client {
    /// One, as it stands.
    pub async fn conversation(
        &self,
        account: Account,
        id: ConversationId,
    ) -> Result<v1::Conversation, ApiError> {
        let request = v1::GetConversationRequest {
            account_id: account.to_vec().into(),
            conversation_id: id.to_vec().into(),
        };
        self.ask(runner::GET_CONVERSATION, &request).await
    }

    /// A page of them.
    pub async fn list_conversations(
        &self,
        request: &v1::ListConversationsRequest,
    ) -> Result<v1::ListConversationsResponse, ApiError> {
        self.ask(runner::LIST_CONVERSATIONS, request).await
    }

    /// What was said in one.
    pub async fn conversation_messages(
        &self,
        request: &v1::ListConversationMessagesRequest,
    ) -> Result<v1::ListConversationMessagesResponse, ApiError> {
        self.ask(runner::CONVERSATION_MESSAGES, request).await
    }

    /// What happened in one.
    pub async fn conversation_events(
        &self,
        request: &v1::ConversationEventsRequest,
    ) -> Result<v1::ConversationEventsResponse, ApiError> {
        self.ask(runner::CONVERSATION_EVENTS, request).await
    }

    /// Erases a part of what is kept of a customer.
    pub async fn erase_customer(
        &self,
        request: &v1::EraseCustomerRequest,
    ) -> Result<v1::EraseCustomerResponse, ApiError> {
        self.call(runner::ERASE_CUSTOMER, request).await
    }
}
