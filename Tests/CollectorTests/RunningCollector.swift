@testable import Collector
import Configuration
import Foundation
import Locks
import SelfTelemetry
import Spool
import TestSupport
import Testing

/// A collector of a test's configuration, on ports that the system picks, with a folder of its own.
final class RunningCollector {
  let collector: Collector
  let registry = MetricRegistry()
  let lines = Collected<String>()
  let log: Log
  let folder: URL
  private let durability: Durability
  private let ownsFolder: Bool
  private var isRunning = false

  /// Builds the collector, without starting it. `FOLDER` in the configuration becomes the folder's path. It keeps things in
  /// memory unless told otherwise, and then in the folder.
  ///
  /// - Parameters:
  ///   - yaml: the configuration.
  ///   - durability: `service.durability`.
  ///   - folder: that of another one, to be left alone at the end; nil for a new one.
  ///   - notifier: told how it is doing.
  /// - Throws: what is wrong with the configuration.
  init(
    _ yaml: String, durability: Durability = .memory, in folder: URL? = nil,
    notifier: ServiceNotifier = ServiceNotifier(socketName: nil)
  ) throws {
    ownsFolder = folder == nil
    self.folder = folder ?? FileManager.default.temporaryDirectory.appending(path: "heirloom-\(UUID().uuidString)")
    self.durability = durability
    try FileManager.default.createDirectory(at: self.folder, withIntermediateDirectories: true)
    let config = try Self.read(yaml, durability, self.folder)
    let lines = lines
    log = Log { lines.append($0) }
    collector = try Collector(config, log: log, registry: registry, notifier: notifier)
  }

  private static func read(_ yaml: String, _ durability: Durability, _ folder: URL) throws -> CollectorConfig {
    let reading = Reading(
      yaml.replacing("FOLDER", with: folder.path),
      settings: ["service.durability=\(durability)", "service.storage.directory=\(folder.path)/spool"])
    try #require(reading.messages == [])
    return reading.config
  }

  deinit {
    stop()
    if ownsFolder { try? FileManager.default.removeItem(at: folder) }
  }

  func start() throws {
    try collector.start()
    isRunning = true
  }

  func stop() {
    guard isRunning else { return }
    isRunning = false
    collector.stop()
  }

  /// Changes to another configuration, and to another durability if there is one.
  @discardableResult
  func reload(_ yaml: String, durability: Durability? = nil) throws -> Reloader.Outcome {
    collector.reload(try Self.read(yaml, durability ?? self.durability, folder))
  }

  /// The ports of what the log says with these words, in order.
  func ports(_ words: String) -> [UInt16] {
    lines.all.filter { $0.contains(words) }.compactMap { line in
      line.firstMatch(of: #/endpoint=\S*:(\d+)/#).flatMap { UInt16($0.1) }
    }
  }

  /// A connection to a receiver.
  func client(_ receiver: Int = 0) throws -> TestClient {
    try TestClient(port: try #require(ports("receiving OTLP").dropFirst(receiver).first))
  }

  /// Sends one request, and expects that it is taken.
  func send(_ spans: [SpanStub], to receiver: Int = 0) throws {
    let client = try client(receiver)
    try client.send(
      "POST", "/v1/traces", headers: ["Content-Type: application/x-protobuf"], body: SpanStub.request(spans))
    #expect(try client.receive().status == 200)
  }

  /// The spans of a file in the folder that was written with `format: proto`; empty while there is no such file.
  func spans(_ file: String) -> [DecodedSpan] {
    guard let data = try? Data(contentsOf: folder.appending(path: file)) else { return [] }
    var rest = Array(data)[...]
    var spans: [DecodedSpan] = []
    while rest.count >= 4 {
      let length = rest.prefix(4).reduce(0) { $0 << 8 | Int($1) }
      // What the file exporter has written halfway is not there yet.
      guard rest.count >= 4 + length else { break }
      spans += DecodedSpan.all(inRequest: Array(rest.dropFirst(4).prefix(length)))
      rest = rest.dropFirst(4 + length)
    }
    return spans
  }
}
