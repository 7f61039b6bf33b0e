/// In whose words identity can leave. To teach Heirloom another convention, add a case and its form.
///
/// Where a backend looks for something under several keys, the form has the one that it asks first.
package enum OutgoingConvention: String, Sendable, CaseIterable {
  case neatlogs, langfuse, openinference, otel, traceloop, langsmith, langwatch, braintrust, vercel, posthog

  /// Where a convention has the end user's metadata.
  enum Metadata {
    /// It knows none.
    case none
    /// The text as the application wrote it.
    case text(String)
    /// The text of a JSON object, whose other members stay: it has other things in it too.
    case object(String)
    /// An attribute for each member, whose key begins with this. `asJSON`: texts are JSON texts too, quotes and all.
    case attributes(prefix: String, asJSON: Bool)
  }

  /// The keys of a convention. Ids and sessions are texts.
  struct Form {
    var endUserID: String?
    /// What a resource has the id under, where the convention has it there.
    var resourceEndUserID: String?
    /// All of them have it: where nobody can say which a backend asks first.
    var sessions: [String] = []
    var metadata = Metadata.none
    /// What `metadata` has ids and sessions under, in the place of attributes of their own.
    var idMember: String?
    var sessionMember: String?
    /// Members of metadata that the convention takes for something else, so that they are left out of it.
    var reserved: Set<String> = []
  }

  var form: Form {
    switch self {
    case .neatlogs:
      Form(
        endUserID: "neatlogs.end_user.id", sessions: ["neatlogs.session.id"],
        metadata: .text("neatlogs.end_user.metadata"))
    case .langfuse:
      Form(
        endUserID: "langfuse.user.id", sessions: ["langfuse.session.id"],
        metadata: .attributes(prefix: "langfuse.trace.metadata.", asJSON: true),
        reserved: ["langfuse_user_id", "langfuse_session_id", "langfuse_tags"])
    case .openinference:
      Form(endUserID: "user.id", sessions: ["session.id"], metadata: .object("metadata"))
    case .otel:
      Form(endUserID: "enduser.id", sessions: ["session.id"])
    case .traceloop:
      Form(
        endUserID: "traceloop.association.properties.user_id",
        sessions: ["traceloop.association.properties.session_id"],
        metadata: .attributes(prefix: "traceloop.association.properties.", asJSON: false),
        reserved: ["user_id", "session_id", "customer_id"])
    case .langsmith:
      Form(
        endUserID: "langsmith.metadata.user_id", sessions: ["langsmith.metadata.session_id"],
        metadata: .attributes(prefix: "langsmith.metadata.", asJSON: false),
        reserved: ["user_id", "session_id", "thread_id", "conversation_id"])
    case .langwatch:
      Form(
        endUserID: "langwatch.user.id", sessions: ["gen_ai.conversation.id", "langwatch.thread.id"],
        metadata: .attributes(prefix: "langwatch.metadata.", asJSON: false))
    case .braintrust:
      Form(
        metadata: .object("braintrust.metadata"), idMember: "user_id", sessionMember: "session_id",
        reserved: ["user_id", "session_id"])
    case .vercel:
      Form(
        endUserID: "ai.telemetry.metadata.userId", sessions: ["ai.telemetry.metadata.sessionId"],
        metadata: .attributes(prefix: "ai.telemetry.metadata.", asJSON: false),
        reserved: ["userId", "sessionId", "tags", "langfusePrompt"])
    case .posthog:
      Form(resourceEndUserID: "posthog.distinct_id", sessions: ["$ai_session_id"])
    }
  }
}
