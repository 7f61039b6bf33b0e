import Foundation
import FuzzTargets
import Locks
import Synchronization
import TestSupport
import Testing

/// The fuzzer's corpora and whatever it found, in every test run: as they are, and changed a little.
struct ReplayTests {
  private static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()

  /// The files for a target, by name.
  private static func inputs(_ kind: String, _ target: FuzzTarget) -> [(name: String, bytes: [UInt8])] {
    let folder = folder.appending(path: kind).appending(path: target.name)
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    return names.sorted().compactMap { name in
      (try? Data(contentsOf: folder.appending(path: name))).map { (name, [UInt8]($0)) }
    }
  }

  @Test func `what once failed does not fail any more`() {
    let cases = FuzzTarget.all.flatMap { target in Self.inputs("cases", target).map { (target, $0.name, $0.bytes) } }
    #expect(!cases.isEmpty)
    for (target, file, bytes) in cases {
      let fault = target.check(bytes)
      #expect(fault == nil, "cases/\(target.name)/\(file)")
    }
  }

  @Test(arguments: FuzzTarget.all.map(\.name))
  func `nothing near the corpus fails`(name: String) throws {
    let target = try #require(FuzzTarget.named(name))
    let corpus = Self.inputs("corpus", target)
    #expect(corpus.count > 2)
    var random = SeededGenerator(seed: 5)
    var inputs: [(name: String, bytes: [UInt8])] = []
    for (file, bytes) in corpus {
      inputs.append(("corpus/\(name)/\(file)", bytes))
      for round in 0..<1500 / corpus.count {
        inputs.append(("corpus/\(name)/\(file), mutation \(round)", bytes.mutated(using: &random)))
      }
    }
    // Some targets wait for a disk or for timeouts most of the time.
    let next = Atomic<Int>(0)
    let faults = Collected<String>()
    let threads = (0..<8).map { _ in
      BackgroundThread(name: "replay") { [inputs] in
        while true {
          let number = next.add(1, ordering: .relaxed).oldValue
          guard number < inputs.count else { return }
          if let fault = target.check(inputs[number].bytes) { faults.append("\(inputs[number].name): \(fault)") }
        }
      }
    }
    for thread in threads { thread.join() }
    #expect(faults.all == [])
  }
}
