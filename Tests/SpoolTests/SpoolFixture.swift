import Foundation
import Glibc
import Locks
import SelfTelemetry
import Spool
import TestSupport

/// A directory for one test, and spools in it.
final class SpoolFixture {
  let directory: String
  let registry = MetricRegistry()
  let lines = Locked<[String]>([])
  var budget = SpoolBudget(maxBytes: 1 << 30)
  /// What all spools of this fixture have.
  var configure: (inout Spool.Configuration) -> Void

  init(_ configure: @escaping (inout Spool.Configuration) -> Void = { _ in }) {
    directory = FileManager.default.temporaryDirectory.path + "/heirloom-spool-\(UUID().uuidString)"
    self.configure = configure
  }

  deinit { try? FileManager.default.removeItem(atPath: directory) }

  var log: Log { Log(level: .debug) { [lines] line in lines.withLock { $0.append(line) } } }

  func open() throws -> Spool {
    var configuration = Spool.Configuration(directory: directory)
    configuration.recordDelay = .milliseconds(1)
    configuration.moveAge = .zero
    configure(&configuration)
    return try Spool(configuration, budget: budget, log: log, registry: registry, labels: [])
  }

  func value(_ name: String) -> Int { Int(registry.value("heirloom_spool_" + name) ?? -1) }

  /// The files as a process that ends at this moment leaves them, in another directory.
  func crashed() throws -> SpoolFixture {
    let copy = SpoolFixture(configure)
    try FileManager.default.copyItem(atPath: directory, toPath: copy.directory)
    return copy
  }

  /// Names of the files with a suffix, in their order.
  func files(_ suffix: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: directory).filter { $0.hasSuffix(suffix) }.sorted()
  }

  func bytes(_ file: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(filePath: directory + "/" + file)))
  }

  func write(_ bytes: [UInt8], to file: String) throws {
    try Data(bytes).write(to: URL(filePath: directory + "/" + file))
  }
}

extension Spool {
  @discardableResult
  func append(_ bytes: [UInt8], unitCount: Int = 1, isFollowed: Bool = false) throws(SpoolError) -> SpoolRecord {
    var result: Result<SpoolRecord, SpoolError>?
    bytes.withUnsafeBytes { bytes in
      // In parts, as callers have it.
      let parts = [bytes.prefix(3), bytes.dropFirst(3)].map { UnsafeRawBufferPointer(rebasing: $0) }
      do throws(SpoolError) { result = .success(try append(parts, unitCount: unitCount, isFollowed: isFollowed)) } catch
      {
        result = .failure(error)
      }
    }
    return try result!.get()
  }

  func read(_ record: SpoolRecord, offset: Int, count: Int) throws(SpoolError) -> [UInt8] {
    var fault: SpoolError?
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
      let memory = UnsafeMutableRawBufferPointer(start: buffer.baseAddress, count: count)
      do throws(SpoolError) {
        try read(record, offset: offset, into: memory)
        initialized = count
      } catch { fault = error }
    }
    if let fault { throw fault }
    return bytes
  }

  /// Everything that replay hands out.
  func replayed() -> [(record: SpoolRecord, payload: [UInt8], units: [UInt32]?)] {
    var all: [(SpoolRecord, [UInt8], [UInt32]?)] = []
    replay {
      all.append(($0.record, Array($0.payload), $0.units))
      return true
    }
    return all
  }
}

/// A payload of units that tell who they are: for each its length, its number, and random bytes.
struct UnitPayload {
  /// A unit in a payload.
  struct Unit: Equatable {
    var number: UInt32
    var offset: Int
    var bytes: [UInt8]
  }

  static func random(units: Int, using random: inout SeededGenerator) -> [UInt8] {
    (0..<units).flatMap { unit in
      let content = random.bytes(.random(in: 0..<60, using: &random))
      return [UInt8(content.count), UInt8(unit & 255), UInt8(unit >> 8)] + content
    }
  }

  static func parse(_ payload: [UInt8]) -> [Unit] {
    var units: [Unit] = []
    var offset = 0
    while offset < payload.count {
      let length = 3 + Int(payload[offset])
      units.append(
        Unit(
          number: UInt32(payload[offset + 1]) | UInt32(payload[offset + 2]) << 8, offset: offset,
          bytes: Array(payload[offset..<offset + length])))
      offset += length
    }
    return units
  }

  /// What a spool's `reduceWith` wants, for these payloads.
  static func reduce(_ payload: UnsafeRawBufferPointer, _ record: SpoolRecord) -> Spool.Reduced? {
    var reduced = Spool.Reduced(payload: [], units: [])
    for unit in parse(Array(payload)) where !record.isDone(Int(unit.number)) {
      reduced.units.append(
        (
          unit: unit.number, originalOffset: UInt32(unit.offset), offset: UInt32(reduced.payload.count),
          length: UInt32(unit.bytes.count)
        ))
      reduced.payload += unit.bytes
    }
    return reduced
  }
}
