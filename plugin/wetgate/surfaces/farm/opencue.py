from wetgate.surfaces.farm.job import FarmJob


def files(job: FarmJob) -> dict[str, str]:
    raise NotImplementedError
