import Exporters
import Foundation
import Locks
import OTLP
import Pipeline
import SelfTelemetry
import Spool
import TestSupport
import Testing

/// A directory of a test's own, and exporters that write into it.
final class FileFixture: Sendable {
  let directory = FileManager.default.temporaryDirectory.path + "/heirloom-file-\(UUID().uuidString)"
  let lines = Collected<String>()
  let registry = MetricRegistry()

  init() throws {
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
  }

  deinit {
    try? FileManager.default.removeItem(atPath: directory)
  }

  var path: String { directory + "/spans.jsonl" }

  /// An exporter that has started. In place of JSON it writes the length of a message, and in place of compression it
  /// adds a prefix.
  func exporter(
    path: String? = nil, compressedPrefix: [UInt8] = [], durability: Durability = .memory,
    _ configure: (inout FileExporterConfiguration) -> Void = { _ in }
  ) throws -> FileExporter {
    var configuration = FileExporterConfiguration(path: path ?? self.path)
    configure(&configuration)
    let lines = lines
    let exporter = FileExporter(
      id: "file", configuration: configuration, encode: Self.encode, compress: { compressedPrefix + $0 },
      durability: durability, registry: registry,
      log: Log { lines.append($0) })
    try exporter.start()
    return exporter
  }

  struct Unencodable: Error {}

  @Sendable static func encode(_ message: UnsafeRawBufferPointer, _ signal: Signal, into text: inout [UInt8]) throws {
    if message.first == 0xFF { throw Unencodable() }
    text.append(contentsOf: Array(line(message.count).utf8))
  }

  static func line(_ byteCount: Int) -> String { "{\"bytes\":[\(byteCount)]}" }

  static func line(_ request: EncodedRequest) -> String { line(request.byteCount) + "\n" }

  func metric(_ name: String) -> Double? { registry.value(name, labels: [("exporter", "file")]) }

  func text(_ path: String? = nil) throws -> String { try String(contentsOfFile: path ?? self.path, encoding: .utf8) }

  /// Names in the directory, in order.
  func names() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: directory).sorted() }
}

extension FileExporter {
  /// Ends the exporter when all is written.
  func drain() { drain(until: MonotonicClock.now() + 60_000_000_000) }

  /// Brings requests to the file, and ends.
  func write(_ requests: [EncodedRequest]) {
    for request in requests { #expect(export(request)) }
    drain()
  }
}

@Suite struct FileExporterTests {
  @Test func `the memory of a huge request is given back once it is written`() throws {
    let fixture = try FileFixture()
    let exporter = try fixture.exporter {
      $0.format = .proto
      $0.flushInterval = .zero
    }
    let size = 64 << 20
    let before = MemoryLimiter.residentBytes()
    #expect(exporter.export(SampleRequest.opaque(byteCount: size)))
    #expect(eventually { fixture.metric("otelcol_exporter_sent_spans") == 1 })
    #expect(eventually { MemoryLimiter.residentBytes() < before + size / 2 })
    exporter.drain()
    let attributes = try FileManager.default.attributesOfItem(atPath: fixture.path)
    #expect(attributes[.size] as? Int == size + 4)
  }

  @Test func `each request is a line, in the order they came`() throws {
    let fixture = try FileFixture()
    let requests = (1...50).map { SampleRequest.make(spans: $0, segmentLength: $0 % 2 == 0 ? 11 : .max) }
    try fixture.exporter().write(requests)
    #expect(try fixture.text() == requests.map(FileFixture.line).joined())
    #expect(fixture.metric("otelcol_exporter_sent_spans") == Double(50 * 51 / 2))
    #expect(fixture.metric("otelcol_exporter_queue_size") == 0)
  }

  @Test(arguments: Durability.allCases) func `a request is settled when it is in the file`(durability: Durability)
    throws
  {
    let fixture = try FileFixture()
    let exporter = try fixture.exporter(durability: durability) { $0.flushInterval = .seconds(1000) }
    let watched = (1...20).map { WatchedRequest(SampleRequest.make(spans: $0), destinations: $0 % 2 + 1) }
    let unencodable = WatchedRequest([0xFF].withUnsafeBytes { EncodedRequest(copying: $0, itemCount: 1) })
    for one in watched + [unencodable] { #expect(exporter.export(one.request)) }
    #expect(eventually { unencodable.isSettled })
    #expect(watched.allSatisfy { !$0.isSettled }, "they are not written yet")
    exporter.drain()
    #expect(try fixture.text() == watched.map { FileFixture.line($0.request) }.joined())
    for (index, one) in watched.enumerated() { #expect(index % 2 == 0 ? one.wasSettledOnce() : one.isSettled) }
  }

  @Test(arguments: Durability.allCases)
  func `what a pipeline keeps is taken in spite of a full queue, and not settled at the end`(durability: Durability)
    throws
  {
    let fixture = try FileFixture()
    let exporter = try fixture.exporter(durability: durability) { $0.queueMebibytes = 1 }
    let keeps = durability != .memory
    let large = WatchedRequest(SampleRequest.make(padding: 2 << 20))
    #expect(exporter.export(large.request) == keeps)
    exporter.drain()
    #expect(large.isSettled == keeps)
    let late = WatchedRequest(SampleRequest.make())
    #expect(exporter.export(late.request) == keeps)
    #expect(!late.isSettled)
    #expect(fixture.metric("otelcol_exporter_enqueue_failed_spans") == (keeps ? 0 : 2))
  }

  @Test func `with fsync, what was put aside is settled too`() throws {
    let fixture = try FileFixture()
    let exporter = try fixture.exporter(durability: .fsync) {
      $0.format = .proto
      $0.rotation = FileRotationConfiguration()
      $0.rotation?.maxMegabytes = 1
    }
    let watched = (0..<8).map { _ in WatchedRequest(SampleRequest.make(padding: 300_000), destinations: 2) }
    for one in watched { #expect(exporter.export(one.request)) }
    exporter.drain()
    #expect(try fixture.names().count == 3)
    for one in watched { #expect(one.wasSettledOnce()) }
  }

  @Test func `proto puts the length before each message`() throws {
    let fixture = try FileFixture()
    let requests = [SampleRequest.make(spans: 2, segmentLength: 5), SampleRequest.make(spans: 300, padding: 1000)]
    try fixture.exporter { $0.format = .proto }.write(requests)
    let expected = requests.flatMap { request in
      withUnsafeBytes(of: UInt32(request.byteCount).bigEndian) { Array($0) } + request.bytes
    }
    #expect(FileManager.default.contents(atPath: fixture.path) == Data(expected))
  }

  @Test(arguments: FileExporterConfiguration.Format.allCases)
  func `compressed messages have their length before them, whatever their format`(
    format: FileExporterConfiguration.Format
  ) throws {
    let fixture = try FileFixture()
    let request = SampleRequest.make(spans: 2)
    let exporter = try fixture.exporter(compressedPrefix: [0x28, 0xB5]) {
      $0.format = format
      $0.isCompressed = true
    }
    exporter.write([request, request])
    let message = format == .proto ? request.bytes : Array(FileFixture.line(request.byteCount).utf8)
    let frame = withUnsafeBytes(of: UInt32(message.count + 2).bigEndian) { Array($0) } + [0x28, 0xB5] + message
    #expect(FileManager.default.contents(atPath: fixture.path) == Data(frame + frame))
  }

  @Test func `a restart begins an empty file, or appends`() throws {
    let fixture = try FileFixture()
    let request = SampleRequest.make()
    let line = FileFixture.line(request)
    try fixture.exporter().write([request, request])
    try fixture.exporter().write([request])
    #expect(try fixture.text() == line)
    try fixture.exporter { $0.append = true }.write([request])
    #expect(try fixture.text() == line + line)
  }

  @Test func `without an interval each message is written at once, with one when it has passed`() throws {
    for interval in [Duration.zero, .milliseconds(20)] {
      let fixture = try FileFixture()
      let exporter = try fixture.exporter { $0.flushInterval = interval }
      #expect(exporter.export(SampleRequest.make()))
      #expect(eventually { fixture.metric("otelcol_exporter_sent_spans") == 1 })
      #expect(try fixture.text() == FileFixture.line(SampleRequest.make()))
      exporter.drain()
    }
  }

  @Test func `messages wait in memory for their interval, but not beyond a size`() throws {
    let fixture = try FileFixture()
    let exporter = try fixture.exporter {
      $0.flushInterval = .seconds(1000)
      $0.format = .proto
    }
    let request = SampleRequest.make(padding: 100_000)
    for _ in 0..<4 { #expect(exporter.export(request)) }
    #expect(eventually { fixture.metric("otelcol_exporter_sent_spans") != 0 })
    #expect(fixture.metric("otelcol_exporter_sent_spans") == 3)
    exporter.drain()
    #expect(fixture.metric("otelcol_exporter_sent_spans") == 4)
  }

  @Test func `a request without JSON form is dropped and costs the others nothing`() throws {
    let fixture = try FileFixture()
    let broken = [UInt8](repeating: 0xFF, count: 5).withUnsafeBytes { EncodedRequest(copying: $0, itemCount: 5) }
    let request = SampleRequest.make()
    try fixture.exporter().write([request, broken, request])
    #expect(try fixture.text() == FileFixture.line(request) + FileFixture.line(request))
    #expect(fixture.metric("otelcol_exporter_send_failed_spans") == 5)
    #expect(fixture.lines.all.contains { $0.contains("cannot encode") })
  }

  @Test func `directories are created where that is wanted, and missed where it is not`() throws {
    let fixture = try FileFixture()
    let path = fixture.directory + "/a/b/spans.jsonl"
    let error = #expect(throws: (any Error).self) { try fixture.exporter(path: path) }
    #expect(error.map { "\($0)" }?.contains(path) == true)
    try fixture.exporter(path: path) {
      $0.createDirectory = true
      $0.directoryPermissions = 0o700
    }.write([SampleRequest.make()])
    #expect(try fixture.text(path) == FileFixture.line(SampleRequest.make()))
    let attributes = try FileManager.default.attributesOfItem(atPath: fixture.directory + "/a/b")
    #expect(attributes[.posixPermissions] as? Int == 0o700)
  }

  @Test func `an exporter that never started can be drained`() throws {
    let fixture = try FileFixture()
    let exporter = FileExporter(
      id: "file", configuration: FileExporterConfiguration(path: "/nowhere/a"), encode: FileFixture.encode,
      compress: { $0 }, registry: fixture.registry, log: Log { _ in })
    #expect(exporter.export(SampleRequest.make(spans: 3)))
    exporter.drain()
    #expect(fixture.metric("otelcol_exporter_send_failed_spans") == 3)
    #expect(!exporter.export(SampleRequest.make()))
  }
}

@Suite struct FileRotationTests {
  private let request = SampleRequest.make(padding: 300 << 10)

  private func exporter(
    _ fixture: FileFixture, _ configure: (inout FileRotationConfiguration) -> Void = { _ in }
  ) throws -> FileExporter {
    try fixture.exporter {
      $0.format = .proto
      var rotation = FileRotationConfiguration()
      rotation.maxMegabytes = 1
      configure(&rotation)
      $0.rotation = rotation
    }
  }

  private func isBackup(_ name: String) -> Bool {
    name.wholeMatch(of: /spans-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}\.jsonl/) != nil
  }

  @Test func `a full file is put aside under the time`() throws {
    let fixture = try FileFixture()
    try exporter(fixture).write(Array(repeating: request, count: 10))
    let names = try fixture.names()
    #expect(names.filter(isBackup).count == 3)
    #expect(names.last == "spans.jsonl")
    #expect(names.count == 4)
    let sizes = try names.map {
      try FileManager.default.attributesOfItem(atPath: fixture.directory + "/" + $0)[.size] as? Int
    }
    let record = request.byteCount + 4
    #expect(sizes == [3 * record, 3 * record, 3 * record, record])
  }

  @Test func `the oldest are deleted beyond a number`() throws {
    let fixture = try FileFixture()
    let old = "spans-1999-01-01T00-00-00.000.jsonl"
    let foreign = ["spans-1999.jsonl", "spans-1999-01-01T00-00-00.000.txt", "other-1999-01-01T00-00-00.000.jsonl"]
    for name in [old] + foreign {
      #expect(FileManager.default.createFile(atPath: fixture.directory + "/" + name, contents: Data()))
    }
    try exporter(fixture) { $0.maxBackups = 2 }.write(Array(repeating: request, count: 10))
    let names = try fixture.names()
    #expect(!names.contains(old))
    #expect(Set(names).isSuperset(of: foreign))
    #expect(names.count == foreign.count + 3)
  }

  @Test func `the oldest are deleted beyond an age`() throws {
    let fixture = try FileFixture()
    let young = "spans-2999-01-01T00-00-00.000.jsonl"
    for name in ["spans-1999-01-01T00-00-00.000.jsonl", young] {
      #expect(FileManager.default.createFile(atPath: fixture.directory + "/" + name, contents: Data()))
    }
    try exporter(fixture) {
      $0.maxDays = 1
      $0.maxBackups = 0
      $0.localtime = true
    }.write(Array(repeating: request, count: 4))
    let names = try fixture.names()
    #expect(names.count == 3)
    #expect(names.contains(young) && !names.contains { $0.contains("1999") })
  }

  @Test func `a restart goes on with the file where it was`() throws {
    let fixture = try FileFixture()
    for _ in 0..<4 { try exporter(fixture).write([request]) }
    #expect(try fixture.names().count == 2)
    let size = try FileManager.default.attributesOfItem(atPath: fixture.path)[.size] as? Int
    #expect(size == request.byteCount + 4)
  }

  @Test func `a message larger than a file gets one for itself`() throws {
    let fixture = try FileFixture()
    let large = SampleRequest.make(padding: 2 << 20)
    try exporter(fixture).write([large, request, large])
    #expect(try fixture.names().count == 3)
  }
}
