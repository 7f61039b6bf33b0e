import Terminal

/// What the command line asks for.
struct Arguments: Equatable {
  enum Command: String, CaseIterable {
    case run
    case validate
    case components
    case printConfig = "print-config"
    case version
    case help
  }

  /// Why arguments make no sense.
  struct Misuse: Error, Equatable {
    let message: String
  }

  var command = Command.run
  /// What `--config` and `--set` were given, in order.
  var configs: [String] = []
  var settings: [String] = []
  /// One of the commands that ask the ledger instead.
  var question: LedgerCommand?
  /// The command that help is wanted for; nil for the program.
  var topic: LedgerCommand.Name?

  /// - Parameter arguments: without the program's own name.
  /// - Throws: what can't be understood.
  init(_ arguments: [String]) throws(Misuse) {
    var rest = arguments[...]
    if let first = rest.first, !first.hasPrefix("-") {
      rest = rest.dropFirst()
      if let name = LedgerCommand.Name(rawValue: first) {
        try ask(name, Array(rest))
        return
      }
      guard let command = Command(rawValue: first) else {
        throw Misuse(message: "unknown command \"\(first)\"")
      }
      self.command = command
    }
    if command == .help, let name = rest.first.flatMap({ LedgerCommand.Name(rawValue: $0) }) {
      topic = name
      rest = rest.dropFirst()
    }
    while let argument = rest.popFirst() {
      let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      // As with Go's flags, one dash is as good as two.
      let flag = parts[0].hasPrefix("--") ? String(parts[0].dropFirst(2)) : String(parts[0].dropFirst(1))
      switch parts[0].hasPrefix("-") ? flag : "" {
      case "help", "h": command = .help
      case "version", "v": command = .version
      case "config", "set":
        guard let value = parts.count > 1 ? String(parts[1]) : rest.popFirst() else {
          throw Misuse(message: "--\(flag) needs a value")
        }
        if flag == "config" { configs.append(value) } else { settings.append(value) }
      default: throw Misuse(message: "unknown argument \"\(argument)\"")
      }
    }
  }

  private mutating func ask(_ name: LedgerCommand.Name, _ arguments: [String]) throws(Misuse) {
    do throws(LedgerCommand.Misuse) {
      let question = try LedgerCommand(name, arguments)
      configs = question.configs
      settings = question.settings
      if question.wantsHelp { (command, topic) = (.help, name) } else { self.question = question }
    } catch {
      throw Misuse(message: error.message)
    }
  }

  static let help = """
    Heirloom \(Version.number): an OpenTelemetry collector that knows who every span belongs to.

    usage: heirloom [command] [--config FILE]... [--set key=value]...

    commands:
      run           receive, attribute and hand on traces until SIGTERM or SIGINT (the default)
      validate      check the configuration and say what is wrong with it
      components    list the components that a configuration can name
      print-config  print the configuration as it is understood, with secrets masked
      version       print the version
      help          print this; with one of the commands below, print what it takes

    commands that ask the ledger:
    \(LedgerCommand.summary)

    options:
      --config FILE   read the configuration from a file; also file:PATH, env:NAME and yaml:TEXT; several are merged
      --set KEY=VALUE set one value, as in --set exporters.file.path=/tmp/spans.jsonl
      --version       print the version
      --help          print this

    Without --config, Heirloom listens on 127.0.0.1:4317 (OTLP/gRPC) and 127.0.0.1:4318 (OTLP/HTTP), and appends attributed
    spans to heirloom-data/spans.jsonl, and logs and metrics beside it.

    """
}
