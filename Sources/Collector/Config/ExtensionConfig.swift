import Authentication
import Configuration
import Console
import Ledger
import Prices
import Privacy

/// One extension's keys.
enum ExtensionConfig {
  case ledger(LedgerConfig)
  case healthCheck(HealthCheckConfig)
  case bearerTokens(BearerTokenAuthenticator.Configuration)
  case basic(BasicAuthenticator.Configuration)
  case apiKeys(APIKeyAuthenticator.Configuration)

  /// - Parameters:
  ///   - type: one of the catalog's extensions.
  ///   - section: its keys.
  init?(_ type: String, _ section: ConfigSection) {
    switch type {
    case "ledger": self = .ledger(LedgerConfig(section))
    case "health_check": self = .healthCheck(HealthCheckConfig(section))
    case "bearertokenauth": self = .bearerTokens(BearerTokenAuthenticator.Configuration(section))
    case "basicauth": self = .basic(BasicAuthenticator.Configuration(section))
    case "apikeyauth": self = .apiKeys(APIKeyAuthenticator.Configuration(section))
    default: return nil
    }
  }

  /// Whether it knows who sends.
  var isAuthenticator: Bool {
    switch self {
    case .bearerTokens, .basic, .apiKeys: true
    case .ledger, .healthCheck: false
    }
  }
}

/// `extensions: ledger:`.
struct LedgerConfig {
  var ledger = LedgerConfiguration(path: "heirloom-data/ledger.db")
  /// Where it is asked; nil for nowhere.
  var console: Console.Configuration? = Console.Configuration()
  /// Of the console; nil for plain HTTP.
  var tls: ServerTLS?
  /// The longest that one question may take.
  var maxQueryTime = Duration.seconds(10)
  /// Where they were written, for what is wrong with them later.
  var pathPosition: Position
  var endpointPosition: Position

  init(_ section: ConfigSection) {
    pathPosition = section.position(of: "path")
    endpointPosition = section.position(of: "endpoint")
    readFile(section)
    readTraces(section)
    readPrices(section)
    readEndpoint(section)
    ledger.privacy = PrivacyPolicy(section)
  }

  private mutating func readFile(_ section: ConfigSection) {
    ledger.path = section.string("path", default: ledger.path)
    if ledger.path.isEmpty { section.error("path", "must not be empty") }
    ledger.interval = section.duration("interval", default: ledger.interval, in: .milliseconds(10) ... .seconds(60))
    ledger.maxBufferedMiB = section.int("max_buffered_mib", default: ledger.maxBufferedMiB, in: 1...1 << 20)
    ledger.dedupWindow = section.duration("dedup_window", default: ledger.dedupWindow)
    if let retention = section.section("retention") {
      // As elsewhere, 0 is no limit.
      ledger.maxAge = retention.duration("max_age").flatMap { $0 == .zero ? nil : $0 }
      ledger.maxTraces = retention.int("max_traces").flatMap { $0 == 0 ? nil : $0 }
    }
    ledger.forgetting = section.choice("forgotten", of: LedgerConfiguration.Forgetting.self, default: .refuse)
  }

  private mutating func readTraces(_ section: ConfigSection) {
    ledger.inheritsSessionUser = section.bool("inherit_session_user", default: ledger.inheritsSessionUser)
    ledger.tracesAreSessions = section.bool("traces_are_sessions", default: ledger.tracesAreSessions)
    ledger.maxSpansPerTree = section.int("max_spans_per_trace", default: ledger.maxSpansPerTree, in: 1...1_000_000)
    ledger.spanBodies = section.bool("span_bodies", default: ledger.spanBodies)
    ledger.maxBodyBytes =
      section.int("max_span_body_kib", default: ledger.maxBodyBytes >> 10, in: 1...1 << 20) << 10
  }

  private enum Match: String, CaseIterable {
    case exact, prefix, regex

    func rule(_ name: String) -> PriceRule.Match {
      switch self {
      case .exact: .exact(name)
      case .prefix: .prefix(name)
      case .regex: .regex(name)
      }
    }
  }

  private mutating func readPrices(_ section: ConfigSection) {
    guard let prices = section.section("prices") else { return }
    let hasBuiltIn = prices.bool("built_in", default: true)
    var rules: [PriceRule] = []
    for model in prices.sections("models") ?? [] {
      model.require("model")
      model.require("input")
      model.require("output")
      let name = model.string("model")
      let match = model.choice("match", of: Match.self, default: .exact)
      do throws(PriceRuleError) {
        rules.append(
          try PriceRule(
            match.rule(name ?? ""), input: model.double("input") ?? 0, output: model.double("output") ?? 0,
            cacheRead: model.double("cache_read"), cacheWrite: model.double("cache_write"),
            reasoning: model.double("reasoning")))
      } catch {
        // What is not there was told above.
        if name != nil { model.error("model", "\(error)") }
      }
    }
    ledger.prices = PriceTable(builtIn: hasBuiltIn, overrides: rules)
  }

  private mutating func readEndpoint(_ section: ConfigSection) {
    maxQueryTime = section.duration("max_query_time", default: maxQueryTime, in: .milliseconds(1) ... .seconds(3600))
    var configuration = Console.Configuration()
    configuration.token = section.string("token")
    if let keys = section.section("tls"), !section.isNull("tls") {
      tls = ServerTLS(keys)
      configuration.tls = tls?.configuration
    }
    if let text = section.string("endpoint") {
      // An empty one is for a ledger that is only asked through its file.
      guard !text.isEmpty else {
        console = nil
        return
      }
      guard let (host, port) = Endpoint.parse(text) else {
        section.error("endpoint", "expected host:port, found \"\(text)\"")
        return
      }
      (configuration.host, configuration.port) = (host, port)
    }
    if let objection = configuration.objection {
      section.error(configuration.token == "" ? "token" : "endpoint", objection)
    }
    console = configuration
  }
}
