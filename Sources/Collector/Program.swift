import Configuration
import HTTPServer
import SelfTelemetry
import Terminal

/// The command `heirloom`.
package enum Program {
  /// Runs a command to its end.
  ///
  /// - Parameter arguments: the program's own name first; nil when they cannot be known.
  /// - Returns: the exit status: 0, 1 when something was wrong with the configuration, 2 with the arguments.
  package static func main(_ arguments: [String]?) -> Int32 {
    guard let arguments else {
      // They may have named a configuration: any other would be the wrong one.
      printError("heirloom: cannot read the command line: is /proc mounted?\n")
      return 2
    }
    let parsed: Arguments
    do throws(Arguments.Misuse) {
      parsed = try Arguments(Array(arguments.dropFirst()))
    } catch {
      printError("heirloom: \(error.message)\nTry 'heirloom --help'.\n")
      return 2
    }
    if let question = parsed.question { return ask(question, parsed) }
    switch parsed.command {
    case .help: print(parsed.topic.map(LedgerCommand.help) ?? Arguments.help, terminator: "")
    case .version: print("heirloom version \(Version.number)")
    case .components: printComponents()
    case .printConfig: return printConfig(parsed)
    case .validate: return load(parsed) == nil ? 1 : 0
    case .run: return run(parsed)
    }
    return 0
  }

  /// Asks the ledger of the configuration, unless the command names another.
  private static func ask(_ question: LedgerCommand, _ arguments: Arguments) -> Int32 {
    // Nobody's configuration is asked for, so none may be wrong.
    guard !arguments.configs.isEmpty || !arguments.settings.isEmpty else {
      return Terminal.run(question, place: LedgerPlace())
    }
    let diagnostics = Diagnostics()
    guard let config = read(arguments, diagnostics) else {
      for diagnostic in diagnostics.all { printError("\(diagnostic)\n") }
      return 1
    }
    let ledger = config.ledgerInUse?.value.ledger
    guard ledger != nil || question.namesLedger else {
      printError("heirloom: the configuration has no ledger: service.extensions names none\n")
      return 1
    }
    return Terminal.run(question, place: LedgerPlace(ledger, copies: LedgerCopies.places(of: config)))
  }

  private static func run(_ arguments: Arguments) -> Int32 {
    guard let config = load(arguments) else { return 1 }
    Signals.prepare()
    DescriptorLimit.raise()
    let log = Log(level: config.service.logLevel, encoding: config.service.logEncoding)
    let collector: Collector
    do throws(Diagnostic) {
      collector = try Collector(
        config, log: log, notifier: ServiceNotifier(), isCancelled: Signals.isStopPending)
      try collector.start()
    } catch {
      printError("\(error)\n")
      return 1
    }
    let reloader = Reloader(
      reload: { reload(collector, arguments, log) },
      mend: { collector.mend() })
    reloader.start()
    Signals.waitForStop(log: { log.info($0) }, hangUp: reloader.request)
    collector.prepareToStop()
    reloader.stop()
    collector.stop()
    return 0
  }

  /// Reads the configuration again, and has the collector change to it if it is right.
  private static func reload(_ collector: Collector, _ arguments: Arguments, _ log: Log) -> Reloader.Outcome {
    let diagnostics = Diagnostics()
    guard let config = read(arguments, diagnostics) else {
      return collector.keep(because: diagnostics.all.filter { $0.severity == .error })
    }
    for warning in diagnostics.all { log.warn("in the new configuration", ["problem": "\(warning)"]) }
    return collector.reload(config)
  }

  /// The configuration, checked; nil when something is wrong with it, which has been printed then.
  private static func load(_ arguments: Arguments) -> CollectorConfig? {
    let diagnostics = Diagnostics()
    let config = read(arguments, diagnostics)
    for diagnostic in diagnostics.all { printError("\(diagnostic)\n") }
    return config
  }

  /// The configuration; nil when something is wrong with it.
  private static func read(_ arguments: Arguments, _ diagnostics: Diagnostics) -> CollectorConfig? {
    let root = ConfigLoader.load(sources(arguments), settings: arguments.settings, diagnostics: diagnostics)
    let config = diagnostics.hasErrors ? nil : CollectorConfig(root, diagnostics: diagnostics)
    return diagnostics.hasErrors ? nil : config
  }

  private static func printConfig(_ arguments: Arguments) -> Int32 {
    let diagnostics = Diagnostics()
    let root = ConfigLoader.load(sources(arguments), settings: arguments.settings, diagnostics: diagnostics)
    _ = diagnostics.hasErrors ? nil : CollectorConfig(root, diagnostics: diagnostics)
    for diagnostic in diagnostics.all { printError("\(diagnostic)\n") }
    guard !diagnostics.hasErrors else { return 1 }
    print(root.maskedYAML(), terminator: "")
    return 0
  }

  private static func sources(_ arguments: Arguments) -> [String] {
    arguments.configs.isEmpty ? ["yaml:" + DefaultConfig.yaml] : arguments.configs
  }

  private static func printComponents() {
    for kind in ComponentCatalog.Kind.allCases {
      guard let components = ComponentCatalog.components[kind], !components.isEmpty else { continue }
      print("\(kind):")
      for component in components { print("  \(component.type): \(component.summary)") }
    }
  }

  /// Arguments and configurations are quoted in it.
  private static func printError(_ text: String) { Log.writeToStandardError(PlainText.harmlessLines(text)) }
}
