/// First in, first out, with every operation in constant time on average, but `insert` and `removeAll`.
struct FIFO<Element> {
  private var elements: [Element?] = []
  private var head = 0

  var count: Int { elements.count - head }
  var isEmpty: Bool { count == 0 }
  var first: Element? { isEmpty ? nil : elements[head] }
  var last: Element? { isEmpty ? nil : elements[elements.count - 1] }

  /// The element with so many before it; nil past the end.
  subscript(position: Int) -> Element? { position < count ? elements[head + position] : nil }

  mutating func append(_ element: Element) {
    elements.append(element)
  }

  /// Puts an element where so many stand before it. Cheap near either end.
  mutating func insert(_ element: Element, at position: Int) {
    if position == 0, head > 0 {
      head -= 1
      elements[head] = element
    } else {
      elements.insert(element, at: head + position)
    }
  }

  mutating func popFirst() -> Element? {
    guard !isEmpty else { return nil }
    let element = elements[head]
    elements[head] = nil
    head += 1
    // The dead part in front is cut off when it is half of the storage: each cut is paid for by as many pops.
    if head * 2 > elements.count {
      elements.removeFirst(head)
      head = 0
    }
    return element
  }

  mutating func popLast() -> Element? {
    isEmpty ? nil : elements.removeLast()
  }

  mutating func removeAll(where isUnwanted: (Element) -> Bool) {
    elements = elements[head...].filter { element in element.map { !isUnwanted($0) } ?? false }
    head = 0
  }
}
