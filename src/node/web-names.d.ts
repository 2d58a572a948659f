/** Browser types that libp2p's declarations name; lib `dom` would let `window` through everywhere (spec "Packages", 08 §4.1). */
type JsonWebKey = import('node:crypto').webcrypto.JsonWebKey
type CryptoKeyPair = import('node:crypto').webcrypto.CryptoKeyPair
interface EventInit {
  bubbles?: boolean
  cancelable?: boolean
  composed?: boolean
}
interface CustomEventInit<T = unknown> extends EventInit {
  detail?: T
}
interface AddEventListenerOptions {
  capture?: boolean
  once?: boolean
  passive?: boolean
  signal?: AbortSignal
}
/** These three are named by viem's declarations. */
type CryptoKey = import('node:crypto').webcrypto.CryptoKey
interface AuthenticatorAttestationResponse {
  readonly attestationObject: ArrayBuffer
  readonly clientDataJSON: ArrayBuffer
}
type AuthenticationExtensionsClientOutputs = Readonly<Record<string, unknown>>
