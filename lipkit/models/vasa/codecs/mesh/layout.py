"""The motion space of the mesh codec."""

from __future__ import annotations

from lipkit.protocols import Layout

# Lengths are in IOD, the 3-D distance of the outer eye corners (about 90 mm); angles in degrees,
# signed as in faces.mesh.euler and relative to the photo.
#   aperture     gap between the inner lips, absolute
#   width        change of the mouth's width
#   press        0..1, lips rolled in
#   jaw          drop of the chin, absolute; 0.44 * aperture is natural
#   blink_*      0 as open as in the photo .. 1 closed, image-left and image-right eye
#   gaze_*       turn of the eyes, x to image-right, y down
#   brow         0..1, raised
#   x y scale    head translation in IOD, zoom as a fraction
MESH_LAYOUT = Layout(
    "mesh",
    (
        "aperture", "width", "press", "jaw", "blink_left", "blink_right", "gaze_x", "gaze_y",
        "brow", "yaw", "pitch", "roll", "x", "y", "scale",
    ),
)  # fmt: skip

NATURAL_JAW = 0.44  # chin drop per aperture of real speakers
EYEBALL_RADIUS = 0.133  # IOD: 12 mm
