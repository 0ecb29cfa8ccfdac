"""Choose the video stream that is the film: never a cover picture, the default one if there are several."""

from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

COVER = Disposition.attached_pic | Disposition.timed_thumbnails | Disposition.still_image


def film_of(container: InputContainer) -> VideoStream | None:
    """The stream that players show: of several films the default one, and of several such the one FFmpeg prefers."""
    films = films_in(container)
    chosen = [stream for stream in films if stream.disposition & Disposition.default] or films
    best = container.streams.best("video")
    return next((stream for stream in chosen if best is not None and stream.index == best.index), *chosen[:1] or [None])


def films_in(container: InputContainer) -> list[VideoStream]:
    """The video streams that are neither covers nor previews."""
    return [stream for stream in container.streams.video if not stream.disposition & COVER]
