import Foundation
import Locks
import SelfTelemetry
import Testing

struct LogTests {
  /// Every line that a log writes with these settings, for one event of each level.
  private func lines(_ level: Log.Level, _ encoding: Log.Encoding) -> [String] {
    let lines = Locked<[String]>([])
    let log = Log(level: level, encoding: encoding) { line in lines.withLock { $0.append(line) } }
    log.debug("a")
    log.info("b", ["k": "v"])
    log.warn("c")
    log.error("d")
    return lines.withLock { $0 }
  }

  @Test(arguments: [(Log.Level.debug, "abcd"), (.info, "bcd"), (.warn, "cd"), (.error, "d")])
  func `what is below the level is not written`(level: Log.Level, messages: String) throws {
    let console = lines(level, .console).map { $0.split(whereSeparator: \.isWhitespace).dropFirst(2).first ?? "" }
    #expect(console.joined() == messages)
    let json = try lines(level, .json).map { try object($0)["msg"] ?? "" }
    #expect(json.joined() == messages)
  }

  @Test func `level and encoding can be changed while others write`() {
    let lines = Locked<[String]>([])
    let log = Log(level: .error, encoding: .console) { line in lines.withLock { $0.append(line) } }
    log.info("left out")
    log.change(level: .debug, encoding: .json)
    #expect(log.level == .debug)
    log.debug("written")
    log.change(level: .warn, encoding: .console)
    log.info("left out")
    log.warn("written")
    let written = lines.withLock { $0 }
    #expect(written.count == 2)
    #expect(written.first?.hasPrefix("{") == true)
    #expect(written.last?.hasSuffix("\twarn\twritten\n") == true)
  }

  @Test func `a log that has written much goes as quickly as any`() {
    // A function that stands alone behind a lock gets a wrapper at each access, and all of them go at once: an overflow of
    // the stack, at the end of a process that ran for long.
    var log: Log? = Log(level: .debug) { _ in }
    for _ in 0..<300_000 { log?.debug("") }
    log = nil
  }

  @Test func `a console line has the time, the level, the message and the fields in their order`() {
    #expect(
      Log.consoleLine(time: "T", .warn, "queue is full", ["exporter": "file", "spans": "12", "a": ""])
        == "T\twarn\tqueue is full\texporter=file\tspans=12\ta=\n")
    #expect(Log.consoleLine(time: "T", .debug, "", [:]) == "T\tdebug\t\n")
  }

  @Test func `a json line is one object with the fields in their order`() {
    #expect(
      Log.jsonLine(time: "T", .error, "queue is full", ["exporter": "file", "spans": "12"])
        == #"{"ts":"T","level":"error","msg":"queue is full","exporter":"file","spans":"12"}"# + "\n")
  }

  /// Texts that would like to be more than a text.
  private static let hostile =
    [
      "a\nb", "a\r\nb", "a\u{85}b", "a\u{2028}b", "a\u{2029}b", "a\tlevel=error", #"a"b\c"#, "\u{1B}[2Jb", "a\u{9B}2Jb",
      "a\u{7F}b", "\u{0}", "a\"\u{301}", "a\n\u{301}b", "ä€😀", "\",\"level\":\"error",
    ] + (0..<0x20).map { "x" + String(UnicodeScalar(UInt8($0))) + "y" }

  @Test(arguments: hostile) func `on the console a text stays within its line and its field`(text: String) {
    let line = Log.consoleLine(time: "T", .info, text, ["end_user": text, "session": "s"])
    #expect(line.utf8.count { $0 == UInt8(ascii: "\n") } == 1)
    #expect(line.utf8.last == UInt8(ascii: "\n"))
    #expect(line.utf8.count { $0 == UInt8(ascii: "\t") } == 4)
    let breaks = line.dropLast().unicodeScalars.filter { scalar in
      scalar != "\t"
        && [.control, .lineSeparator, .paragraphSeparator].contains(scalar.properties.generalCategory)
    }
    #expect(breaks.isEmpty)
  }

  @Test(arguments: hostile) func `in json a text comes out as it went in`(text: String) throws {
    let line = Log.jsonLine(time: "T", .info, text, [text + "key": text])
    #expect(line.utf8.count { $0 == UInt8(ascii: "\n") } == 1)
    #expect(line.utf8.allSatisfy { $0 >= 0x20 || $0 == UInt8(ascii: "\n") })
    let object = try object(line)
    for read in [object["msg"], object[text + "key"]] {
      #expect(read.map { Array($0.utf8) } == Array(text.utf8))
    }
    #expect(object["level"] == "info")
    #expect(object.count == 4)
  }

  @Test func `text without anything special stays as it is on the console`() {
    let text = "GET /v1/traces → 200, ä€😀 \"quoted\" back\\slash"
    #expect(Log.consoleLine(time: "T", .info, text, [:]) == "T\tinfo\t\(text)\n")
  }

  @Test(arguments: Log.Encoding.allCases) func `every line begins with the time in UTC`(encoding: Log.Encoding) throws {
    let before = Date().timeIntervalSince1970
    let line = try #require(lines(.error, encoding).first)
    let text = try encoding == .json ? object(line)["ts"] ?? "" : String(line.prefix { $0 != "\t" })
    #expect(text.wholeMatch(of: /\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z/) != nil)
    let reader = ISO8601DateFormatter()
    reader.formatOptions = [.withInternetDateTime, .withFractionalSeconds]
    let time = try #require(reader.date(from: text)).timeIntervalSince1970
    // Milliseconds are cut off, not rounded.
    #expect(time > before - 0.002 && time <= Date().timeIntervalSince1970)
  }

  @Test func `lines of several threads come one at a time, whole`() {
    // Not thread-safe on purpose: the log calls it for one line after another.
    final class Sink: @unchecked Sendable {
      var lines: [String] = []
    }
    let sink = Sink()
    let log = Log { sink.lines.append($0) }
    let threads = (0..<4).map { thread in
      BackgroundThread(name: "logger") { for round in 0..<500 { log.info("m", ["n": "\(thread).\(round)"]) } }
    }
    for thread in threads { thread.join() }
    let numbers = sink.lines.map { $0.dropLast().split(separator: "n=").last.map(String.init) ?? "" }
    #expect(numbers.count == 2_000)
    #expect(Set(numbers) == Set((0..<4).flatMap { thread in (0..<500).map { "\(thread).\($0)" } }))
  }

  private func object(_ line: String) throws -> [String: String] {
    try #require(JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: String])
  }

  @Test func `a pipe that nobody reads is given up, and written to again when somebody does`() {
    var ends: [Int32] = [0, 0]
    #expect(pipe(&ends) == 0)
    defer { for end in ends { close(end) } }
    let line = String(repeating: "x", count: 5000) + "\n"
    var count = 0
    while count < 10_000, Log.write(line, to: ends[1], patience: 0) { count += 1 }
    #expect(count > 0 && count < 10_000)
    #expect(!Log.write(line, to: ends[1], patience: 0))
    var buffer = [UInt8](repeating: 0, count: 1 << 20)
    #expect(read(ends[0], &buffer, buffer.count) >= count * line.utf8.count)
    #expect(Log.write(line, to: ends[1], patience: 0))
  }
}
