@testable import Collector
import Terminal
import Testing

struct ArgumentsTests {
  @Test func `without a command the collector runs`() throws {
    let arguments = try Arguments([])
    #expect(arguments.command == .run)
    #expect(arguments.configs == [])
    #expect(arguments.settings == [])
  }

  @Test(arguments: [
    ("run", Arguments.Command.run), ("validate", .validate), ("components", .components),
    ("print-config", .printConfig), ("version", .version), ("help", .help),
  ])
  func `the first word is the command`(word: String, command: Arguments.Command) throws {
    #expect(try Arguments([word]).command == command)
    let more = try Arguments([word, "--config", "a.yaml"])
    #expect(more.command == command)
    #expect(more.configs == ["a.yaml"])
  }

  @Test(arguments: [
    ["--config", "a.yaml", "--set", "a.b=c", "--config", "b.yaml", "--set", "d=e=f"],
    ["--config=a.yaml", "--set=a.b=c", "--config=b.yaml", "--set=d=e=f"],
    ["-config", "a.yaml", "-set", "a.b=c", "-config=b.yaml", "-set=d=e=f"],
    ["validate", "--config", "a.yaml", "-set=a.b=c", "-config", "b.yaml", "--set", "d=e=f"],
  ])
  func `options have one dash or two, and a space or an equals sign before their value`(words: [String]) throws {
    let arguments = try Arguments(words)
    #expect(arguments.configs == ["a.yaml", "b.yaml"])
    #expect(arguments.settings == ["a.b=c", "d=e=f"])
  }

  @Test func `a value may be empty, and may look like an option`() throws {
    #expect(try Arguments(["--config="]).configs == [""])
    #expect(try Arguments(["--config", ""]).configs == [""])
    #expect(try Arguments(["--config", "--set"]).configs == ["--set"])
    #expect(try Arguments(["--config", "yaml:a: {b: c=d}"]).configs == ["yaml:a: {b: c=d}"])
  }

  @Test(arguments: [
    (["--version"], Arguments.Command.version), (["-v"], .version), (["-version"], .version), (["--help"], .help),
    (["-h"], .help), (["run", "--help"], .help), (["--config", "a.yaml", "--version"], .version),
  ])
  func `version and help are asked for by options too`(words: [String], command: Arguments.Command) throws {
    #expect(try Arguments(words).command == command)
  }

  @Test(arguments: [
    (["start"], "unknown command \"start\""), ([""], "unknown command \"\""), (["Run"], "unknown command \"Run\""),
    (["printConfig"], "unknown command \"printConfig\""), (["run", "validate"], "unknown argument \"validate\""),
    (["--config"], "--config needs a value"), (["run", "-set"], "--set needs a value"),
    (["--conf", "a.yaml"], "unknown argument \"--conf\""), (["--configs=x"], "unknown argument \"--configs=x\""),
    (["---config", "x"], "unknown argument \"---config\""), (["-"], "unknown argument \"-\""),
    (["--"], "unknown argument \"--\""), (["--=x"], "unknown argument \"--=x\""),
    (["run", ""], "unknown argument \"\""),
    (["run", "config"], "unknown argument \"config\""), (["--config", "a", "b"], "unknown argument \"b\""),
  ])
  func `what makes no sense is named`(words: [String], message: String) {
    #expect(throws: Arguments.Misuse(message: message)) { try Arguments(words) }
  }

  @Test func `the help names every command and option`() {
    for command in Arguments.Command.allCases { #expect(Arguments.help.contains("\n  \(command.rawValue) ")) }
    for option in ["--config FILE", "--set KEY=VALUE", "--version", "--help"] {
      #expect(Arguments.help.contains("\n  \(option) "))
    }
    #expect(Arguments.help.contains(Version.number))
    #expect(Arguments.help.contains("\n  trace ID "))
  }

  @Test func `a command of the ledger takes its own options, and the configuration's`() throws {
    let arguments = try Arguments(["user", "ada", "--config", "a.yaml", "--limit=3", "--set", "b=c"])
    #expect(arguments.question?.subject == .user("ada"))
    #expect(arguments.question?.limit == 3)
    #expect(arguments.configs == ["a.yaml"])
    #expect(arguments.settings == ["b=c"])
    #expect(try Arguments(["validate"]).question == nil)
    #expect(throws: Arguments.Misuse(message: "user needs an id")) { try Arguments(["user"]) }
    #expect(throws: Arguments.Misuse(message: "unknown argument \"--limit\"")) {
      try Arguments(["run", "--limit", "3"])
    }
  }

  @Test(arguments: [["help", "trace"], ["trace", "--help"], ["trace", "0123", "-h"]])
  func `a command of the ledger has a help of its own`(words: [String]) throws {
    let arguments = try Arguments(words)
    #expect(arguments.command == .help)
    #expect(arguments.topic == .trace)
    #expect(arguments.question == nil)
  }

  @Test func `the process finds its arguments without the help of its memory`() {
    #expect(ProcessArguments.read() == CommandLine.arguments)
    #expect(ProcessArguments.parse(Array("heirloom\0--set\0\0a=\u{e9}\0".utf8)) == ["heirloom", "--set", "", "a=é"])
    #expect(ProcessArguments.parse(Array("heirloom\0\0".utf8)) == ["heirloom", ""])
    #expect(ProcessArguments.parse([]) == [])
  }

  @Test func `without its arguments a collector does not run`() {
    #expect(Program.main(nil) == 2)
  }

  @Test(
    arguments: [
      (["frobnicate"], 2), (["--config"], 2), (["validate", "--config", "yaml:service:"], 1),
      (["run", "--config", "yaml:service:"], 1), (["print-config", "--config", "yaml:service:"], 1),
      (["--config", "/nonexistent/c.yaml"], 1), (["validate"], 0),
      (["validate", "--set", "exporters.file.path=x"], 0), (["validate", "--set", "exporters.file.pat=x"], 1),
    ] as [([String], Int32)])
  func `the exit status tells misuse from a bad configuration`(words: [String], status: Int32) {
    #expect(Program.main(["heirloom"] + words) == status)
  }
}
