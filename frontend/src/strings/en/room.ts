/** The reading room. */
export const room = {
  'viewer.noWebGL':
    'This browser offers no WebGL 2: images are drawn more slowly and the brush is off. Everything else works.',
  'frame.signedOut': 'You are signed out. Sign in again in another tab, then try again.',
  'frame.refused': 'You may no longer see these images. Open the case again.',
  'frame.gone': 'The server no longer has this image. Tell the person who runs it.',
  'frame.storeDown': 'The image store does not answer. Try again in a moment.',
  'frame.status': 'The server could not deliver this image (status {status}).',
  'frame.slow': 'This image did not arrive within {seconds} seconds.',
  'frame.unreachable': 'The server does not answer.',
  'frame.unknown': 'This image belongs to no open series.',
  'frame.decodeSlow': 'Decoding this image took too long and was given up.',
  'frame.undecodable': 'This image could not be decoded: {reason}',
} as const;
