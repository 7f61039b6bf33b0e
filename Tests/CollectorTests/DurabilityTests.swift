@testable import Collector
import Foundation
import SelfTelemetry
import Spool
import TestSupport
import Testing

/// What outlives a collector that keeps what it accepts on disk.
struct DurabilityTests {
  private let child = SpanStub(2, parent: 1)
  private let root = SpanStub(1, ["enduser.id": "ann"])

  private func yaml(endUser: String = "{root_wait: 1h, local_root_wait: 1h}", pipeline: String = "traces") -> String {
    """
    receivers: {otlp: {protocols: {http: {endpoint: '127.0.0.1:0'}}}}
    processors: {enduser: \(endUser), batch: {timeout: 0s}}
    exporters: {file: {path: FOLDER/spans, format: proto, append: true, flush_interval: 0s}}
    service:
      telemetry: {metrics: {level: none}}
      pipelines: {\(pipeline): {receivers: [otlp], processors: [enduser, batch], exporters: [file]}}
    """
  }

  /// Runs one collector after another in a folder.
  private func inFolder(_ test: (URL) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "heirloom-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    try test(folder)
  }

  @Test(arguments: [Durability.buffered, .fsync])
  func `what waits for its root is there after a restart, and who a trace belonged to is known`(
    durability: Durability
  ) throws {
    try inFolder { folder in
      let first = try RunningCollector(yaml(), durability: durability, in: folder)
      try first.start()
      try first.send([child])
      first.stop()
      #expect(first.spans("spans").isEmpty)

      let second = try RunningCollector(yaml(), durability: durability, in: folder)
      try second.start()
      #expect(second.lines.all.contains { $0.contains("replayed what an earlier run left") && $0.contains("spans=1") })
      try second.send([root])
      #expect(eventually { second.spans("spans").count == 2 })
      second.stop()

      let third = try RunningCollector(yaml(), durability: durability, in: folder)
      try third.start()
      try third.send([SpanStub(3, parent: 1)])
      #expect(eventually { third.spans("spans").count == 3 })
      third.stop()
      #expect(third.spans("spans").allSatisfy { $0["enduser.id"] == "ann" })
      #expect(!third.lines.all.contains { $0.contains("\terror\t") || $0.contains("\twarn\t") })
    }
  }

  @Test func `a reload leaves what waits where it is, for the new pipelines`() throws {
    let running = try RunningCollector(yaml(), durability: .buffered)
    try running.start()
    try running.send([child])
    #expect(try running.reload(yaml(endUser: "{root_wait: 1h, local_root_wait: 2h}")) == .running)
    #expect(running.spans("spans").isEmpty)
    try running.send([root])
    #expect(eventually { running.spans("spans").count == 2 })
    running.stop()
    #expect(running.spans("spans").allSatisfy { $0["enduser.id"] == "ann" })
  }

  @Test func `one directory, one collector`() throws {
    try inFolder { folder in
      let first = try RunningCollector(yaml(), durability: .buffered, in: folder)
      try first.start()
      let second = { try RunningCollector(yaml(), durability: .buffered, in: folder) }
      let message =
        "--set service.storage.directory: error: service.storage.directory: "
        + "another process uses \(folder.path)/spool"
      #expect(performing(second)?.hasPrefix(message) == true)
      first.stop()
      #expect(performing(second) == nil)
    }
  }

  private func performing(_ action: () throws -> some Any) -> String? {
    do {
      _ = try action()
      return nil
    } catch {
      return "\(error)"
    }
  }

  @Test func `requests of a pipeline that is gone are told of, and stay`() throws {
    try inFolder { folder in
      let first = try RunningCollector(yaml(), durability: .buffered, in: folder)
      try first.start()
      try first.send([child])
      try first.send([SpanStub(trace: 2, 2, parent: 1)])
      first.stop()

      let other = try RunningCollector(yaml(pipeline: "traces/other"), durability: .buffered, in: folder)
      try other.start()
      other.stop()
      let told = other.lines.all.filter { $0.contains("a pipeline that is not configured has requests") }
      #expect(told.count == 1)
      #expect(told.first?.contains("directory=\(folder.path)/spool/pipelines/traces\trequests=2") == true)

      let again = try RunningCollector(yaml(), durability: .buffered, in: folder)
      try again.start()
      try again.send([root])
      #expect(eventually { again.spans("spans").count == 2 })
      again.stop()
    }
  }

  @Test func `in memory nothing is written, and who leaves a directory behind is told`() throws {
    let running = try RunningCollector(yaml())
    try running.start()
    try running.send([child])
    running.stop()
    #expect(!FileManager.default.fileExists(atPath: running.folder.appending(path: "spool").path))
    #expect(running.spans("spans").count == 1)
  }
}
