import Foundation
import Testing

@testable import Prices

/// The built-in table against what genai-prices calculates from the data that it was made of.
@Suite struct CatalogueOracleTests {
  private static let package = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  private static let python: String? = {
    let own = package.appending(path: ".build/generate-prices/bin/python").path
    return FileManager.default.isExecutableFile(atPath: own) ? own : nil
  }()

  @Test func `costs what genai-prices says, for a part of its models`() throws {
    let cases = try Data(contentsOf: Self.package.appending(path: "Tests/Fixtures/prices.json"))
    #expect(try compare(cases) > 400)
  }

  @Test(.enabled(if: python != nil, "needs the environment that scripts/generate-prices makes"))
  func `costs what genai-prices says, for every model under all its names`() throws {
    let process = Process()
    process.executableURL = URL(filePath: try #require(Self.python))
    process.arguments = [Self.package.appending(path: "scripts/generate-prices").path, "--cases"]
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let cases = try output.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
    #expect(try compare(cases) > 2000)
  }

  /// How many calls that genai-prices knows a price of were compared. Names that it doesn't know may mean something here.
  private func compare(_ json: Data) throws -> Int {
    var compared = 0
    for line in try #require(JSONSerialization.jsonObject(with: json) as? [[Any]]) {
      guard let expected = line[4] as? Int64 else { continue }
      let model = try #require(line[0] as? String)
      let provider = line[1] as? String
      let seconds = try #require(line[2] as? UInt64)
      let counts = try #require(line[3] as? [Int64])
      let usage = tokens(counts[0], counts[3], read: counts[1], written: counts[2], reasoning: counts[4])
      let cost = PriceTable.builtIn.cost(model: model, provider: provider, at: at(seconds), usage)
      #expect(cost == expected, "\(model) of \(provider ?? "nobody") at \(seconds): \(counts)")
      compared += 1
    }
    return compared
  }
}
