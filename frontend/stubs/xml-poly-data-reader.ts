/** Stands in for vtk.js's XML mesh reader, which drags Node modules into the bundle and is never used here. */
const unsupported = (): never => {
  throw new Error('XML meshes are not supported');
};

export const extend = unsupported;
export const newInstance = unsupported;
export default { extend, newInstance };
