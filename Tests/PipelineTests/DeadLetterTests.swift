import Foundation
import OTLP
import Pipeline
import SelfTelemetry
import TestSupport
import Testing

/// Dead letters in a directory of a test's own.
private final class Fixture {
  let directory = FileManager.default.temporaryDirectory.path + "/heirloom-letters-\(UUID().uuidString)"
  let lines = Collected<String>()
  var path: String { directory + "/below/otlp_http@a.jsonl" }

  deinit { try? FileManager.default.removeItem(atPath: directory) }

  func file(maxMebibytes: Int = 100, syncs: Bool = false) -> DeadLetterFile {
    let lines = lines
    return DeadLetterFile(
      path: path, maxMebibytes: maxMebibytes, exporter: "otlp_http/a", syncs: syncs, log: Log { lines.append($0) })
  }

  func text(_ suffix: String = "") throws -> String { try String(contentsOfFile: path + suffix, encoding: .utf8) }

  func letters(_ suffix: String = "") throws -> [[String: Any]] {
    try text(suffix).split(separator: "\n").map { line in
      try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
    }
  }
}

private let refused = Refused(reason: "HTTP 400: \"bad\"\nspan", status: 400, isAboutItems: true)

@Suite struct DeadLetterTests {
  @Test(arguments: [false, true]) func `a letter says what was refused and why, and has the request`(syncs: Bool) throws
  {
    let fixture = Fixture()
    let file = fixture.file(syncs: syncs)
    #expect(file.append(SampleRequest.make(name: "bad", spans: 2, segmentLength: 10), refused) == nil)
    #expect(file.append(SampleRequest.make(name: "worse"), Refused(reason: "no")) == nil)
    let letters = try fixture.letters()
    #expect(letters.count == 2)
    #expect(letters[0]["exporter"] as? String == "otlp_http/a")
    #expect(letters[0]["reason"] as? String == "HTTP 400: \"bad\"\nspan")
    #expect(letters[0]["status"] as? Int == 400 && letters[1]["status"] == nil)
    #expect(letters[0]["spans"] as? Int == 2)
    #expect((letters[0]["time"] as? String)?.hasSuffix("Z") == true)
    let request = try JSONSerialization.data(withJSONObject: try #require(letters[0]["request"]))
    let text = String(decoding: request, as: UTF8.self)
    #expect(text.contains("resourceSpans") && text.contains("bad-0") && text.contains("bad-1"))
    let attributes = try FileManager.default.attributesOfItem(atPath: fixture.path)
    #expect(attributes[.posixPermissions] as? Int == 0o600)
  }

  @Test(arguments: [(Signal.logs, "log_records", "resourceLogs"), (.metrics, "metric_points", "resourceMetrics")])
  func `a letter says which signal it is of`(signal: Signal, items: String, field: String) throws {
    let fixture = Fixture()
    let bytes = SampleRequest.field(1, SampleRequest.field(2, SampleRequest.field(2, [])))
    let request = bytes.withUnsafeBytes { EncodedRequest(copying: $0, signal: signal, itemCount: 7) }
    #expect(fixture.file().append(request, refused) == nil)
    let letter = try #require(try fixture.letters().first)
    #expect(letter["signal"] as? String == signal.name)
    #expect(letter[items] as? Int == 7)
    #expect((letter["request"] as? [String: Any])?[field] != nil)
  }

  @Test(arguments: 0...5) func `what has no JSON is kept as it is`(count: Int) throws {
    let fixture = Fixture()
    let bytes = [UInt8](repeating: 0xFF, count: 6) + (0..<count).map { UInt8($0) }
    let request = bytes.withUnsafeBytes { EncodedRequest(copying: $0, itemCount: 1) }
    #expect(fixture.file().append(request, refused) == nil)
    let letter = try #require(try fixture.letters().first)
    #expect(letter["request"] == nil)
    #expect(Data(base64Encoded: letter["protobuf"] as? String ?? "") == Data(bytes))
  }

  @Test func `at half of its size the file is put aside, in the place of the one before`() throws {
    let fixture = Fixture()
    let file = fixture.file(maxMebibytes: 1)
    for index in 0..<9 {
      #expect(file.append(SampleRequest.make(name: "r\(index)", padding: 200_000), refused) == nil)
    }
    // Two fit into half a MiB.
    #expect(try fixture.text().contains("r8-0") && fixture.letters().count == 1)
    #expect(try fixture.text(".1").contains("r6-0") && fixture.text(".1").contains("r7-0"))
    #expect(fixture.lines.all.contains { $0.contains("oldest dead letters are gone") })
    let names = try FileManager.default.contentsOfDirectory(atPath: fixture.directory + "/below")
    #expect(names.sorted() == ["otlp_http@a.jsonl", "otlp_http@a.jsonl.1"])
  }

  @Test func `what a killed process left unfinished is cut off, and whole letters stay`() throws {
    let fixture = Fixture()
    #expect(fixture.file().append(SampleRequest.make(name: "first"), refused) == nil)
    let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: fixture.path))
    try handle.seekToEnd()
    try handle.write(contentsOf: Data(repeating: UInt8(ascii: "x"), count: 200_000))
    try handle.close()
    #expect(fixture.file().append(SampleRequest.make(name: "next"), refused) == nil)
    let letters = try fixture.letters()
    #expect(letters.count == 2)
    #expect(fixture.lines.all.contains { $0.contains("cut off") && $0.contains("bytes=200000") })
  }

  @Test func `a file that cannot be written says why, and works when it can`() throws {
    let fixture = Fixture()
    try FileManager.default.createDirectory(atPath: fixture.path, withIntermediateDirectories: true)
    let file = fixture.file()
    #expect(file.append(SampleRequest.make(), refused)?.contains("cannot open") == true)
    try FileManager.default.removeItem(atPath: fixture.path)
    #expect(file.append(SampleRequest.make(), refused) == nil)
    #expect(try fixture.letters().count == 1)
  }
}
