"""The metrics of the field: a name each, and where it lives; one file a family.

Modules of metrics import torch, cv2 and optional packages inside their functions, so that listing
what there is takes no time. A class with no arguments implements ``protocols.Metric``; the plain
attributes that most share come from ``metrics.base.Base``.
"""

from __future__ import annotations

METRICS: dict[str, str] = {
    "lip_sync_error": "lipkit.metrics.syncnet:LipSyncError",
    "syncnet_accuracy": "lipkit.metrics.stable_syncnet:SyncNetAccuracy",
    "aperture": "lipkit.metrics.aperture:ApertureMatch",
    "aperture_sound": "lipkit.metrics.aperture:ApertureSound",
    "mouth_motion": "lipkit.metrics.aperture:MouthMotion",
    "silence": "lipkit.metrics.aperture:SilentMouth",
    "landmarks": "lipkit.metrics.landmarks:LandmarkDistance",
    "lip_timing": "lipkit.metrics.landmarks:LipTiming",
    "lip_intensity": "lipkit.metrics.landmarks:LipIntensity",
    "csim": "lipkit.metrics.likeness:ReferenceLikeness",
    "csim_pairs": "lipkit.metrics.likeness:FramewiseLikeness",
    "csim_arcface": "lipkit.metrics.likeness:ReferenceLikenessArc",
    "csim_pairs_arcface": "lipkit.metrics.likeness:FramewiseLikenessArc",
    "csim_pairs_vico": "lipkit.metrics.likeness:FramewiseLikenessViCo",
    "head_motion": "lipkit.metrics.liveliness:HeadMotion",
    "head_pose": "lipkit.metrics.liveliness:PoseError",
    "tremble": "lipkit.metrics.liveliness:Tremble",
    "blinking": "lipkit.metrics.liveliness:Blinking",
    "beats": "lipkit.metrics.choreography:BeatAlign",
    "diversity": "lipkit.metrics.choreography:Diversity",
    "sound_level": "lipkit.metrics.material:SoundLevel",
    "speech": "lipkit.metrics.material:Speech",
    "scene": "lipkit.metrics.material:Cuts",
    "presence": "lipkit.metrics.material:Presence",
    "face_picture": "lipkit.metrics.material:FacePicture",
    "expression_deep3d": "lipkit.metrics.expression:Deep3dExpression",
    "expression_mp52": "lipkit.metrics.expression:BlendshapeExpression",
    "fid": "lipkit.metrics.fid:Fid",
    "fid_clean": "lipkit.metrics.fid:FidClean",
    "fvd_stylegan_v": "lipkit.metrics.fvd:stylegan_v",
    "fvd_latentsync": "lipkit.metrics.fvd:latentsync",
    "fvd_steady_face": "lipkit.metrics.fvd:latentsync_steady",
    "fvd25": "lipkit.metrics.fvd:vasa",
    "fvd_videogpt": "lipkit.metrics.fvd:videogpt",
    "psnr": "lipkit.metrics.similarity:Psnr",
    "ssim": "lipkit.metrics.similarity:Ssim",
    "ssim_box7": "lipkit.metrics.similarity:SsimBox",
    "face_similarity": "lipkit.metrics.similarity:OfFace",
    "mouth_similarity": "lipkit.metrics.similarity:OfMouth",
    "lpips": "lipkit.metrics.lpips:Lpips",
    "lpips_face": "lipkit.metrics.lpips:LpipsFace",
    "lpips_vgg": "lipkit.metrics.lpips:LpipsVgg",
    "hyperiqa": "lipkit.metrics.hyperiqa:HyperIqa",
    "hyperiqa_crops25": "lipkit.metrics.hyperiqa:HyperIqaCrops",
    "untouched": "lipkit.metrics.stillness:Untouched",
    "flicker": "lipkit.metrics.stillness:Flicker",
    "capp": "lipkit.models.capp.scoring:OwnCapp",
}
