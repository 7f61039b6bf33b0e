extension Filter {
  /// What is asked about.
  package enum Field: Sendable, Hashable {
    case endUser, session, workflow, name, model, tag, trace
    /// A path into end-user metadata, its parts divided by dots.
    case metadata(String)
    /// Scores of a name: a score's number or label; of whoever has several, the mean of the numbers, and any of the labels.
    case score(String)
    /// Whether something failed: alone it is a condition (`error`).
    case error
    /// US dollars.
    case cost
    case tokens, inputTokens, outputTokens
    /// Of a trace or span; of a user or session the 95th percentile of the traces.
    case latency
    case traces, sessions, observations, errors
    case firstEvent, lastEvent

    /// What values of a field are.
    enum Kind {
      case text, flag, number, duration, time
      /// A number or text, whichever it is compared with.
      case score
    }

    var kind: Kind {
      switch self {
      case .endUser, .session, .workflow, .name, .model, .tag, .trace, .metadata: .text
      case .error: .flag
      case .cost, .tokens, .inputTokens, .outputTokens, .traces, .sessions, .observations, .errors: .number
      case .latency: .duration
      case .firstEvent, .lastEvent: .time
      case .score: .score
      }
    }

    /// All but metadata and scores, in the order in which messages list them.
    static let named: [Field] = [
      .endUser, .session, .workflow, .name, .model, .tag, .trace, .error, .cost, .tokens, .inputTokens, .outputTokens,
      .latency, .traces, .sessions, .observations, .errors, .firstEvent, .lastEvent,
    ]

    /// As it is written in a filter.
    package var name: String {
      switch self {
      case .endUser: "end_user"
      case .session: "session"
      case .workflow: "workflow"
      case .name: "name"
      case .model: "model"
      case .tag: "tag"
      case .trace: "trace"
      case .metadata(let path): "metadata:\(path)"
      case .score(let name): "score:\(name)"
      case .error: "error"
      case .cost: "cost"
      case .tokens: "tokens"
      case .inputTokens: "tokens.input"
      case .outputTokens: "tokens.output"
      case .latency: "latency"
      case .traces: "traces"
      case .sessions: "sessions"
      case .observations: "observations"
      case .errors: "errors"
      case .firstEvent: "first_event"
      case .lastEvent: "last_event"
      }
    }

    private static let byName = Dictionary(uniqueKeysWithValues: named.map { ($0.name, $0) })

    /// The field of a name in lower case; nil for metadata and scores, too, which take a path and a name.
    init?(name: String) {
      guard let field = name == "user" ? .endUser : Self.byName[name] else { return nil }
      self = field
    }
  }
}
