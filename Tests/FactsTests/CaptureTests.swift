import Facts
import Foundation
import TestSupport
import Testing

/// Requests as SDKs sent them.
@Suite struct CaptureTests {
  private func facts(_ name: String) throws -> [String: OwnedFacts] {
    let tests = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    let file = tests.appending(path: "Fuzzing/corpus/index/captured-\(name)")
    let spans = try extracted([UInt8](Data(contentsOf: file)))
    return Dictionary(spans.map { ($0.text(\.name), $0) }) { first, _ in first }
  }

}
