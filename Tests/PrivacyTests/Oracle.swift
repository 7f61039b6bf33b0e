import Foundation
import Testing

/// A Python that has opentelemetry-proto: HEIRLOOM_TEST_PYTHON, or the package's own virtual environment.
enum Oracle {
  static let package = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

  static let python: String? = {
    if let chosen = ProcessInfo.processInfo.environment["HEIRLOOM_TEST_PYTHON"] { return chosen }
    let own = package.appending(path: ".venv/bin/python").path
    return FileManager.default.isExecutableFile(atPath: own) ? own : nil
  }()

  static let requirement: Comment =
    "needs a Python with opentelemetry-proto: set HEIRLOOM_TEST_PYTHON or make .venv in the package"

  /// What Tests/Oracles/privacy_oracle.py writes, line by line.
  static func lines<Line: Decodable>(_ arguments: String...) throws -> [Line] {
    let process = Process()
    process.executableURL = URL(filePath: try #require(python))
    process.arguments = [package.appending(path: "Tests/Oracles/privacy_oracle.py").path] + arguments
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let bytes = try output.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    try #require(process.terminationStatus == 0, "the oracle failed; see its message above")
    return try bytes.split(separator: UInt8(ascii: "\n")).map { try JSONDecoder().decode(Line.self, from: $0) }
  }
}
