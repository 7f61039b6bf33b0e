import FuzzTargets
import Glibc

/// libFuzzer's own main function, which a program may call instead of being called by it.
@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
  _ argumentCount: UnsafeMutablePointer<Int32>,
  _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?>,
  _ input: @convention(c) (UnsafePointer<UInt8>?, Int) -> Int32
) -> Int32

/// What HEIRLOOM_FUZZ_TARGET names.
private let target: FuzzTarget = {
  let name = getenv("HEIRLOOM_FUZZ_TARGET").map { String(cString: $0) } ?? ""
  guard let target = FuzzTarget.named(name) else {
    fatalError("HEIRLOOM_FUZZ_TARGET is one of \(FuzzTarget.all.map(\.name)), not \"\(name)\"")
  }
  return target
}()

/// SwiftPM makes this the entry point, since the module is called heirloom_fuzz.
@_cdecl("heirloom_fuzz_main")
func fuzz(
  _ argumentCount: Int32, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> Int32 {
  var argumentCount = argumentCount
  var arguments = arguments
  return runDriver(&argumentCount, &arguments) { bytes, count in
    if let fault = target.check(Array(UnsafeBufferPointer(start: bytes, count: count))) {
      fatalError("\(target.name): \(fault)")
    }
    return 0
  }
}
