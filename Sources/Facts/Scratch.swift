/// Memory that is filled for one trace, emptied and filled for the next. What lies in it is reached by pointer, which lasts until
/// something is added: an array would count who uses it and look at its bounds each time.
struct Scratch<Element: BitwiseCopyable>: ~Copyable {
  private(set) var elements: UnsafeMutablePointer<Element>
  private(set) var count = 0
  private var capacity: Int

  private static var least: Int { 64 }
  /// Above this, memory is given back rather than kept.
  private static var kept: Int { 4096 }

  init() {
    capacity = Self.least
    elements = .allocate(capacity: capacity)
  }

  deinit { elements.deallocate() }

  var isEmpty: Bool { count == 0 }
  var all: UnsafeBufferPointer<Element> { UnsafeBufferPointer(start: elements, count: count) }

  @inline(__always)
  mutating func clear() {
    count = 0
    if capacity > Self.kept { resize(Self.least) }
  }

  @inline(__always)
  mutating func append(_ element: Element) {
    reserve(1)
    elements[count] = element
    count += 1
  }

  /// Adds so many of the same.
  @inline(__always)
  mutating func append(repeating element: Element, count more: Int) {
    reserve(more)
    (elements + count).update(repeating: element, count: more)
    count += more
  }

  @inline(__always)
  mutating func append(contentsOf others: UnsafeBufferPointer<Element>) {
    guard let start = others.baseAddress else { return }
    reserve(others.count)
    (elements + count).update(from: start, count: others.count)
    count += others.count
  }

  /// Makes room for so many more, of which `addReserved` adds those that something was written to.
  @inline(__always)
  @discardableResult
  mutating func reserve(_ more: Int) -> UnsafeMutablePointer<Element> {
    if capacity - count < more { resize(max(2 * capacity, count + more)) }
    return elements + count
  }

  @inline(__always)
  mutating func addReserved(_ more: Int = 1) { count += more }

  @inline(never)
  private mutating func resize(_ capacity: Int) {
    let old = elements
    elements = .allocate(capacity: capacity)
    elements.update(from: old, count: count)
    old.deallocate()
    self.capacity = capacity
  }
}
