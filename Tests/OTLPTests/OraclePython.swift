import Foundation
import Testing

/// A Python that has opentelemetry-proto: HEIRLOOM_TEST_PYTHON, or the package's own virtual environment.
enum OraclePython {
  static let package = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

  static let path: String? = {
    if let chosen = ProcessInfo.processInfo.environment["HEIRLOOM_TEST_PYTHON"] { return chosen }
    let own = package.appending(path: ".venv/bin/python").path
    return FileManager.default.isExecutableFile(atPath: own) ? own : nil
  }()

  static let requirement: Comment =
    "needs a Python with opentelemetry-proto: set HEIRLOOM_TEST_PYTHON or make .venv in the package"

  /// What a script of the package writes, given that input.
  static func run(_ script: String, _ arguments: [String], input: Data = Data()) throws -> Data {
    // A file, since nobody reads the output while the input is being written.
    let inputFile = URL.temporaryDirectory.appending(path: "oracle-\(UUID().uuidString)")
    try input.write(to: inputFile)
    defer { try? FileManager.default.removeItem(at: inputFile) }
    let process = Process()
    process.executableURL = URL(filePath: try #require(path))
    process.arguments = [package.appending(path: script).path] + arguments
    process.standardInput = try FileHandle(forReadingFrom: inputFile)
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let bytes = try output.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    try #require(process.terminationStatus == 0, "\(script) failed; see its message above")
    return bytes
  }
}
