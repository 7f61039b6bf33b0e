import Filters
import Foundation
import Testing

/// The filters that docs/filters.md shows.
@Suite struct DocumentedFiltersTests {
  /// Blocks of indented lines, without what stands behind a #.
  private static func blocks() throws -> [[String]] {
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appending(path: "docs/filters.md")
    var blocks: [[String]] = [[]]
    for line in try String(contentsOf: file, encoding: .utf8).split(separator: "\n", omittingEmptySubsequences: false) {
      if line.hasPrefix("    ") {
        blocks[blocks.count - 1].append(String(line.dropFirst(4)))
      } else if blocks.last != [] {
        blocks.append([])
      }
    }
    return blocks.filter { !$0.isEmpty }
  }

  @Test func `every filter can be read, and the fault is told as it is shown`() throws {
    let blocks = try Self.blocks()
    #expect(blocks.count == 3)
    for block in blocks {
      if block[0].hasPrefix("expected") {
        let error = #expect(throws: FilterError.self) {
          try Filter(parsing: block[1].trimmingCharacters(in: .whitespaces))
        }
        #expect(error?.description == block.joined(separator: "\n"))
      } else {
        for line in block {
          #expect(throws: Never.self) { try Filter(parsing: String(line.prefix { $0 != "#" })) }
        }
      }
    }
  }
}
