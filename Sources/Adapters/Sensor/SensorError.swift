/// Why the sensor cannot run, or not whole.
package struct SensorError: Error, Equatable, CustomStringConvertible {
    package enum Code: Sendable { case capability, kernel, load, attach, ring }

    package var code: Code
    package var message: String

    package var description: String { message }
}
