import { useMemo } from 'react';
import { encode } from 'uqr';

/** A QR code (ISO/IEC 18004), dark on light in both themes: cameras expect it so. */
export function QrPicture(props: { readonly content: string; readonly label: string }) {
  const { size, path } = useMemo(() => {
    const { data, size } = encode(props.content, { ecc: 'M', border: 4 });
    const dark = data.flatMap((row, y) => row.flatMap((isDark, x) => (isDark ? [`M${x} ${y}h1v1h-1z`] : [])));
    return { size, path: dark.join('') };
  }, [props.content]);
  return (
    <svg className="qr" viewBox={`0 0 ${size} ${size}`} role="img" aria-label={props.label} shapeRendering="crispEdges">
      <rect width={size} height={size} fill="#fff" />
      <path d={path} fill="#000" />
    </svg>
  );
}
